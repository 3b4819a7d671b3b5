// Prints the signature of the body on standard input, made by Standard Webhooks' own library for JavaScript.
// standard_webhooks.mjs SECRET ID UNIX-SECONDS
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const [secret, id, seconds] = process.argv.slice(2);
const body = readFileSync(0, "utf8");
console.log(new Webhook(secret).sign(id, new Date(Number(seconds) * 1000), body));
