"""A scanhook of its own in a folder of its own, for what measures whole processes."""

import os, signal, socket, subprocess, sys, time

SECRET = b"a-secret-of-thirty-two-bytes-0001"
PORT, ADMIN = 18080, 19090

TOML = f"""
[server]
listen = "127.0.0.1:{PORT}"
admin_listen = "127.0.0.1:{ADMIN}"
[tenants.default]
tenant_id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"
client_id = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = {{ secret_file = "siem.secret" }}
api_base = "http://127.0.0.1:1"
authority = "http://127.0.0.1:1"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}
"""
HEAD = 'version = 1\n[defaults]\nmode = "enforce"\n'
RULE = '[[rule]]\nname = "{name}"\nscan = "quick"\nlimit = false\nwhen = {{ {when} }}\n'


class Served:
    def __init__(self, command, folder):
        self.log = open(os.path.join(folder, "log"), "wb")
        self.child = subprocess.Popen(command, cwd=folder, stdout=self.log, stderr=self.log)
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", PORT), 0.2).close()
                return
            except OSError:
                if self.child.poll() is not None:
                    break
                time.sleep(0.025)
        self.log.flush()
        sys.exit(f"{command[0]} does not listen:\n{open(self.log.name).read()[-2000:]}")

    def memory(self):
        """The most it had, in MiB."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def stop(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()


def scanhook(binary, rules, more=""):
    def start(folder):
        for name, text in [("scanhook.toml", TOML + more), ("rules.toml", rules), ("siem.secret", SECRET.decode())]:
            path = os.path.join(folder, name)
            with open(path, "w") as out:
                out.write(text)
            os.chmod(path, 0o600)
        return Served([binary, "serve"], folder)
    return start
