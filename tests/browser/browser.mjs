// A real browser, and what every page has to hold: no violation of its policy, no error, nothing that hinders people.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "./served.mjs";

const load = createRequire(join(ROOT, "target", "browser", "node_modules", "x.js"));
const { chromium } = load("playwright-core");
const AXE = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

/** Where the pictures of the pages go: they are looked at by whoever changes a page, and not kept. */
const PICTURES = join(ROOT, "target", "browser", "pictures");

export const DESK = { width: 1366, height: 768 };
export const PHONE = { width: 320, height: 640 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}

/** A page that remembers what went wrong on it. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  await context.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (seen) => globalThis.violations.push(`${seen.violatedDirective} ${seen.blockedURI} ${seen.sample}`));
  });
  const page = await context.newPage();
  page.wrong = [];
  page.on("console", (line) => line.type() === "error" && page.wrong.push(line.text()));
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("dialog", (dialog) => { page.wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  return page;
}

/** What went wrong on this page since it was opened. */
export async function faults(page) {
  const violations = await page.evaluate(() => globalThis.violations ?? []);
  return [...page.wrong, ...violations];
}

/** What hinders people, as axe finds it for WCAG 2.2 AA. */
export async function barriers(page) {
  // Runs in a world of its own beside the page, whose policy keeps it out otherwise.
  const client = await page.context().newCDPSession(page);
  await client.send("Page.setBypassCSP", { enabled: true });
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  }));
  await client.detach();
  return found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** Whether something is wholly within the window as it was opened. */
export async function inView(locator) {
  const [box, size] = [await locator.boundingBox(), locator.page().viewportSize()];
  return box !== null && box.y >= 0 && box.y + box.height <= size.height;
}
