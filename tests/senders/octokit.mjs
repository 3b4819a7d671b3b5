// Prints the signature of the body on standard input, made by GitHub's own library.
// octokit.mjs SECRET
import { readFileSync } from "node:fs";
import { sign } from "@octokit/webhooks-methods";

console.log(await sign(process.argv[2], readFileSync(0, "utf8")));
