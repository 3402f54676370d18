// Takes the screenshots for the README, of the built page with example users:
//   npm run screenshots
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { BrowserContextOptions, Page } from "playwright-core";
import sharp from "sharp";

import { launchBrowser } from "../support/browser.ts";
import { openPage } from "../support/browser-page.ts";
import { Client } from "../support/client.ts";
import { RegisterDocument, UploadProfilePictureDocument } from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { Visitor } from "../support/web-page.ts";

const OUT_DIR = "docs/screenshots";
const password = "amazing grace";

const folder = await mkdtemp(path.join(tmpdir(), "letsapp-screenshots-"));
const server = await ServerProcess.start({ INSTANCE_DIR: folder, SIGN_INS_PER_MINUTE: "1000" });
const browser = await launchBrowser();

const people: [username: string, picture: Buffer | null][] = [
  ["Ada Lovelace", await sky("#f59e0b", "#be185d")],
  ["李小龙", null],
  ["محمد علي", await sky("#0ea5e9", "#4338ca")],
  ["Maximiliane-Theodora von und zu Hohenstein-Falkenburg", null],
  ["fox 🦊", await sky("#84cc16", "#0f766e")],
  ["שרה כהן", null],
];
for (const [i, [username, picture]] of people.entries())
  await givenPerson(username, `person${i}@example.com`, picture);
await givenPerson("Grace Hopper", "grace@example.com", sampleImages.portraitJpeg());

const large = { viewport: { width: 1200, height: 760 } };
const phone = { viewport: { width: 390, height: 760 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
await take("welcome-light", large, async () => {});
await take("page-dark", { ...large, colorScheme: "dark" }, signIn);
await take("page-light", large, signIn);
await take("phone-dark", { ...phone, colorScheme: "dark" }, signIn);
await take("editor-light", large, async (page) => {
  await signIn(page);
  const visitor = new Visitor(page);
  await visitor.choose(sampleImages.portraitJpeg());
  await visitor.zoom.fill("1.7");
});
await take("playground", large, async (page) => {
  await page.goto(`${server.url}/playground`);
  await page.getByText("2 Upload").click();
});
await browser.close();
await server.stop();
await rm(folder, { recursive: true });

async function givenPerson(username: string, email: string, picture: Buffer | null): Promise<void> {
  const client = new Client(server.url);
  const { register } = await client.execute(RegisterDocument, { input: { username, email, password } });
  client.token = register.token;
  if (picture)
    await client.execute(UploadProfilePictureDocument, { file: new Blob([new Uint8Array(picture)]) });
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Name or e-mail").fill("grace@example.com");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your picture" }).waitFor();
}

async function take(
  name: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<void>,
): Promise<void> {
  const { page, troubles } = await openPage(browser, server.url, options);
  const startedAt = performance.now();
  await page.goto(server.url);
  await prepare(page);
  await page.waitForLoadState("networkidle");
  const png = await page.screenshot();
  await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(`${OUT_DIR}/${name}.png`);
  console.log(`${name}: ${(performance.now() - startedAt).toFixed(0)} ms ${troubles.join("; ")}`);
  await page.close();
}

/** A drawn landscape, which shows no real person. Its sky fades from one colour to the other. */
function sky(above: string, below: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><defs><linearGradient id="sky" x1="0" y1="0" x2=".4" y2="1"><stop stop-color="${above}"/><stop offset="1" stop-color="${below}"/></linearGradient></defs><rect width="400" height="400" fill="url(#sky)"/><circle cx="270" cy="130" r="52" fill="#fff" opacity=".85"/><path d="M0 330 130 190l90 95 60-55 120 120v50H0z" fill="#0b1020" opacity=".55"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer();
}
