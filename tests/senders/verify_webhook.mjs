// Verifies a message on standard input by Standard Webhooks' own library for JavaScript; prints "verified" or "refused".
// verify_webhook.mjs SECRET ID UNIX-SECONDS SIGNATURES
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const [secret, id, seconds, signatures] = process.argv.slice(2);
const body = readFileSync(0, "utf8");
const headers = { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signatures };
try {
  new Webhook(secret).verify(body, headers);
  console.log("verified");
} catch {
  console.log("refused");
}
