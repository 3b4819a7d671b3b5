// Signing in with a token: from any page and back to it, for as long as the session lasts, and by the rights of the token.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, faults, launch, open, picture } from "./browser.mjs";
import { Served, machine, token, until } from "./served.mjs";

const ROLES = ["viewer", "approver", "operator", "admin"];
let served, browser;
const tokens = {};

before(async () => {
  let more = `[admin]\npublic_url = "https://scanhook.example"\n`;
  for (const role of ROLES) {
    tokens[role] = await token(role);
    more += `[admin.tokens.${role}]\nhash = "${tokens[role].hash}"\nrole = "${role}"\n`;
  }
  served = await Served.start({ more, names: { 1: "dc-01.corp.example" } });
  browser = await launch();
  await served.post([{ alert_id: "a-1", title: "Ransom note dropped", severity: "high", devices: [{ name: "dc-01.corp.example", mde_id: machine(1) }] }]);
});

after(async () => {
  await browser?.close();
  await served?.stop();
});

async function signIn(page, role, path = "/held") {
  await page.goto(served.base + path);
  await page.getByLabel("Token").fill(tokens[role].text);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(served.base + path);
}

test("a page without a session is the form, and leads back to the page with its filter", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/held?reason=protection`);
  assert.deepEqual(await barriers(page), []);
  await picture(page, "sign-in");
  await signIn(page, "viewer", "/held?reason=protection");
  assert.ok(await page.getByText("viewer").first().isVisible());
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${served.base}/held`);
  assert.ok(await page.getByLabel("Token").isVisible());
  await page.context().close();
});

test("a token that is wrong says so, and lets nobody in", async () => {
  const page = await open(browser);
  await page.goto(`${served.base}/held`);
  await page.getByLabel("Token").fill("shk_" + "x".repeat(51));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").first().waitFor();
  assert.ok(await page.getByLabel("Token").isVisible());
  await page.context().close();
});

for (const role of ROLES) {
  test(`a ${role} sees every page that the role may see, and may do what it may do`, async () => {
    await until("something is held", async () => {
      const { body } = await served.api("/api/v1/decisions?state=held", { headers: { authorization: `Bearer ${tokens.admin.text}` } });
      return body.items.length === 1;
    });
    const page = await open(browser);
    await signIn(page, role);
    // The browser counts it as an error that the form was answered with 401.
    page.wrong.length = 0;
    const found = {};
    for (const path of ["/", "/held", "/alerts", "/scans", "/rules", "/system"]) {
      const answer = await page.goto(served.base + path);
      assert.equal(answer.status(), 200, path);
      const seen = [...(await barriers(page)), ...(await faults(page))];
      if (seen.length) found[path] = seen;
    }
    assert.deepEqual(found, {});
    assert.equal((await page.goto(`${served.base}/audit`)).status(), role === "admin" ? 200 : 403);
    await page.goto(`${served.base}/held`);
    const approves = await page.getByRole("button", { name: "Approve…" }).count();
    assert.equal(approves > 0, role !== "viewer");
    await page.context().close();
  });
}

test("a session outlives a restart, and counts at the API", async () => {
  const page = await open(browser);
  await signIn(page, "operator");
  await served.kill();
  await served.run();
  await page.goto(`${served.base}/scans`);
  assert.ok(await page.getByRole("heading", { name: "Scans" }).isVisible());
  const me = await page.evaluate(async () => (await fetch("/api/v1/me")).json());
  assert.equal(me.role, "operator");
  await page.context().close();
});

test("a link on a page of another site leads to the page of whoever is signed in", async () => {
  const { createServer } = await import("node:http");
  const elsewhere = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<a href="${served.base}/held">look</a>`);
  });
  await new Promise((done) => elsewhere.listen(0, "127.0.0.1", done));
  const page = await open(browser);
  // `localhost` and `127.0.0.1` are two sites to a browser.
  const from = `http://localhost:${elsewhere.address().port}/`;
  await page.goto(from);
  await page.getByRole("link", { name: "look" }).click();
  await page.getByLabel("Token").waitFor();
  await signIn(page, "viewer");
  await page.goto(from);
  await page.getByRole("link", { name: "look" }).click();
  await page.getByRole("heading", { name: "Held for a person" }).waitFor();
  await page.context().close();
  elsewhere.close();
});
