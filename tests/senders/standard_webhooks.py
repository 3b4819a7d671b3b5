"""Prints the signature of the body on standard input, made by Standard Webhooks' own library for Python.

standard_webhooks.py SECRET ID UNIX-SECONDS
"""

import datetime
import sys

from standardwebhooks import Webhook

secret, message, seconds = sys.argv[1:]
time = datetime.datetime.fromtimestamp(int(seconds), tz=datetime.timezone.utc)
print(Webhook(secret).sign(message, time, sys.stdin.read()))
