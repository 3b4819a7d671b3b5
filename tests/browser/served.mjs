// The program as it is started, in a folder of its own, with the simulator as another process in Defender's place.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const BINARY = process.env.SCANHOOK ?? join(ROOT, "target", "debug", "scanhook");
const SECRET = "a-secret-of-thirty-two-bytes-0001";
const TENANT = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e";

/** A token that `scanhook token` could have made, and the hash that stands in scanhook.toml. */
export async function token(name) {
  const { createHash } = await import("node:crypto");
  const text = "shk_" + (name + "-".repeat(51)).slice(0, 51);
  return { text, hash: "sha256:" + createHash("sha256").update(text).digest("hex") };
}

/** A port that nobody listens on. */
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Asks until the answer is what is wanted; fails loudly after a generous time. */
export async function until(what, ask, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error(`not within ${seconds} s: ${what} (last: ${last})`);
}

const RULES = `
version = 1
[defaults]
mode = "enforce"

[[protect]]
name = "crown jewels"
at_most = "hold"
when = { device.name.glob = "dc-*" }

[[rule]]
name = "high"
scan = "full"
limit = false
when = { severity.gte = "high" }

[[rule]]
name = "medium"
scan = "quick"
limit = false
when = { severity = "medium" }
`;

/** So many crown jewels, by the numbers of their machines. */
export const jewels = (from, to, name = (n) => `dc-${String(n).padStart(2, "0")}.corp.example`) =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [from + i, name(from + i)]));

/** A machine id that is made of a number. */
export const machine = (n) => n.toString(16).padStart(40, "0");

export class Served {
  /** Starts the far side and scanhook. `more` is added to scanhook.toml; `setup` changes the far side. */
  static async start({ rules = RULES, more = "", setup = {}, fast = true, names = {} } = {}) {
    const served = new Served();
    served.folder = mkdtempSync(join(tmpdir(), "scanhook-browser-"));
    [served.port, served.adminPort, served.farPort] = [await freePort(), await freePort(), await freePort()];
    served.base = `http://127.0.0.1:${served.adminPort}`;
    served.far = `http://127.0.0.1:${served.farPort}`;
    const speed = fast ? ["--pending", "1s", "--quick", "2s", "--full", "4s"] : [];
    served.simulator = served.#run(["simulate", "--listen", `127.0.0.1:${served.farPort}`, ...speed]);
    await until("the far side listens", async () => (await fetch(`${served.far}/_simulator/setup`)).ok);
    // What the directory calls a machine counts, whatever an alert says.
    const machines = Object.entries(names).map(([n, name]) => ({ id: machine(Number(n)), dns_name: name }));
    await served.setup({ machines, ...setup });
    served.write("siem.secret", SECRET);
    served.write("rules.toml", rules);
    served.write("scanhook.toml", served.#toml(more));
    await served.run();
    return served;
  }

  #toml(more) {
    return `
[server]
listen = "127.0.0.1:${this.port}"
admin_listen = "127.0.0.1:${this.adminPort}"
[tenants.default]
tenant_id = "${TENANT}"
client_id = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = { secret_file = "siem.secret" }
api_base = "${this.far}"
authority = "${this.far}"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
bearer = { secret_file = "siem.secret" }
${more}`;
  }

  write(name, text) {
    writeFileSync(join(this.folder, name), text, { mode: 0o600 });
  }

  #run(words) {
    const child = spawn(BINARY, words, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH } });
    child.said = "";
    const hear = (text) => (child.said = (child.said + text).slice(-20_000));
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.ended = new Promise((done) => child.once("exit", done));
    return child;
  }

  /** Starts scanhook, or starts it again. */
  async run() {
    this.program = this.#run(["serve"]);
    await until("scanhook listens", async () => {
      if (this.program.exitCode !== null) return true;
      return (await fetch(`${this.base}/livez`)).ok;
    });
    if (this.program.exitCode !== null) throw new Error(`it ended: ${this.program.said}`);
  }

  async kill(signal = "SIGKILL") {
    this.program.kill(signal);
    await this.program.ended;
  }

  async stop() {
    await this.kill();
    this.simulator.kill("SIGKILL");
    await this.simulator.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Changes how the far side is. */
  async setup(changes) {
    const now = await (await fetch(`${this.far}/_simulator/setup`)).json();
    const body = JSON.stringify({ ...now, ...changes });
    const answer = await fetch(`${this.far}/_simulator/setup`, { method: "PUT", body, headers: { "content-type": "application/json" } });
    if (!answer.ok) throw new Error(`the far side takes no ${body}: ${answer.status} ${await answer.text()}`);
  }

  /** The scans that the far side has begun. */
  async scans() {
    return (await fetch(`${this.far}/_simulator/scans`)).json();
  }

  /** Posts alerts, each a member of the list, in one delivery. */
  async post(alerts) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/webhooks/siem`, {
      method: "POST",
      body: JSON.stringify({ alerts }),
      headers: { "content-type": "application/json", authorization: `Bearer ${SECRET}` },
    });
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  async api(path, options = {}) {
    const answer = await fetch(this.base + path, options);
    return { status: answer.status, body: await answer.json() };
  }
}
