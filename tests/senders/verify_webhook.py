"""Verifies a message on standard input by Standard Webhooks' own library for Python; prints "verified" or "refused".

verify_webhook.py SECRET ID UNIX-SECONDS SIGNATURES
"""

import sys

from standardwebhooks import Webhook, WebhookVerificationError

secret, message, seconds, signatures = sys.argv[1:]
headers = {"webhook-id": message, "webhook-timestamp": seconds, "webhook-signature": signatures}
try:
    Webhook(secret).verify(sys.stdin.read(), headers)
    print("verified")
except WebhookVerificationError:
    print("refused")
