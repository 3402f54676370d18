// Checks the page in a browser on the real service, from signing up to undoing a deletion.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import axe from "axe-core";
import type { Browser, BrowserContextOptions, Locator } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { launchBrowser } from "../support/browser.ts";
import { openPage, type WatchedPage } from "../support/browser-page.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { Visitor } from "../support/web-page.ts";

const UPLOADS_PER_MINUTE = 5;

let folder: string;
let server: ServerProcess;
let browser: Browser;
const watched: WatchedPage[] = [];
let visitorCount = 0;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** Gives a group of tests its own service, so that all of its users fit on the first page of the list. */
function givenService(): void {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "letsapp-page-"));
    server = await ServerProcess.start({ INSTANCE_DIR: folder, SIGN_INS_PER_MINUTE: "1000" });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
}

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await reportScreens();
  for (const { page } of watched) await page.close();
  watched.length = 0;
});
/** Saves a screenshot of each page and prints its text and errors, to help find the reason of a failure. */
async function reportScreens(): Promise<void> {
  for (const [i, { page, troubles }] of watched.entries()) {
    const file = path.join(tmpdir(), `letsapp-failure-${i}.png`);
    await page.screenshot({ path: file });
    console.error(`${file}: ${await page.locator("body").innerText()}\n${troubles.join("\n")}`);
  }
}

/** Opens the page, and records console errors and requests to other origins, which `expectNoTroubles` rejects. */
async function visit(options: BrowserContextOptions = {}): Promise<Visitor> {
  const opened = await openPage(browser, server.url, options);
  watched.push(opened);
  await opened.page.goto(server.url);
  return new Visitor(opened.page);
}

async function visitSignedUp(options: BrowserContextOptions = {}) {
  const visitor = await visit(options);
  const username = `Visitor ${++visitorCount}.`;
  await visitor.signUp(username);
  return { visitor, page: visitor.page, username };
}

function expectNoTroubles(allowed = /^$/): void {
  expect(watched.flatMap(({ outside }) => outside)).toEqual([]);
  expect(watched.flatMap(({ troubles }) => troubles).filter((trouble) => !allowed.test(trouble))).toEqual([]);
}

/** Limits uploads to 40 kB a second, so that their progress can be watched. */
async function slowDown({ page }: Visitor): Promise<void> {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 40_000,
  });
}

describe("a picture", () => {
  givenService();

  it("is cropped, uploaded with visible progress, and then shown everywhere on the page", async () => {
    const { visitor, page, username } = await visitSignedUp();
    expect(await visitor.ownPictures(username)).toEqual(["initials", "initials", "initials"]);
    await slowDown(visitor);
    await visitor.choose(sampleImages.portraitJpeg());
    await visitor.zoom.fill("2");
    await visitor.use();

    await page.getByRole("progressbar", { name: "Upload" }).waitFor();
    await expect.poll(() => page.getByRole("progressbar").getAttribute("value")).toMatch(/^0\.[1-9]/);
    await page.getByText("That is you now").waitFor();
    const [inHeader, large, inList] = await visitor.ownPictures(username);
    const square = await sharp(await (await fetch(large!)).arrayBuffer()).stats();
    const chosen = { left: 128, top: 172, width: 256, height: 256 };
    const middle = await sharp(await sharp(sampleImages.portraitJpeg()).extract(chosen).toBuffer()).stats();

    expect(large).toMatch(/\/api\/users\/media\/[0-9a-f]{24}\?size=300$/);
    expect([inHeader, inList]).toEqual([large, large]);
    for (const [i, { mean }] of square.channels.entries()) {
      expect(Math.abs(mean - middle.channels[i]!.mean)).toBeLessThan(4); // The square shows the chosen part.
    }
    expectNoTroubles();
  });

  it("is decoded by the browser, in a size that fits its place", async () => {
    const { visitor, page, username } = await visitSignedUp({ deviceScaleFactor: 2 });
    await visitor.upload(sampleImages.portraitJpeg());
    const image = page.getByRole("listitem").filter({ hasText: username }).locator("img");
    await image.scrollIntoViewIfNeeded();
    type Image = { naturalWidth: number; currentSrc: string };
    const read = (key: keyof Image) =>
      image.evaluate((element, name) => (element as unknown as Image)[name], key);
    await expect.poll(() => read("naturalWidth")).toBe(48);

    expect(await read("currentSrc")).toMatch(/\?size=96$/);
    const url = (await visitor.ownPictures(username))[1]!.replace("size=300", "thumbnail=true");
    const thumbnail = await page.evaluate(`(async () => {
      const image = await createImageBitmap(await (await fetch("${url}")).blob());
      return [image.width, image.height];
    })()`);
    expect(thumbnail).toEqual([150, 150]);
    expectNoTroubles();
  });

  it("is replaced, and Undo restores the previous one", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    const before = await visitor.ownPictures(username);
    await visitor.upload(await sampleImages.flatPng(300, 200));
    const after = await visitor.ownPictures(username);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Your picture is back").waitFor();

    expect(new Set(after).size).toBe(1);
    expect(after).not.toEqual(before);
    expect(await visitor.ownPictures(username)).toEqual(before);
    expectNoTroubles();
  });

  it("is deleted, restored by Undo, and still there after a reload", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    const before = await visitor.ownPictures(username);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("Your picture is deleted").waitFor();
    const deleted = await visitor.ownPictures(username);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Your picture is back").waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Your picture" }).waitFor();
    await page.getByRole("listitem").filter({ hasText: username }).waitFor();

    expect(deleted).toEqual(["initials", "initials", "initials"]);
    expect(await visitor.ownPictures(username)).toEqual(before);
    expectNoTroubles();
  });

  it("is shown to another user, whose view is counted", async () => {
    const { visitor, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    const [url] = await visitor.ownPictures(username);
    const { page } = await visitSignedUp();
    const row = page.getByRole("listitem").filter({ hasText: username });
    await row.scrollIntoViewIfNeeded();

    expect(await row.locator("img").getAttribute("src")).toBe(url);
    await row.getByText(/^[1-9]\d* views?$/).waitFor(); // The list polls for new view counts.
    expectNoTroubles();
  });

  it("is not changed by an upload that the user cancels", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await slowDown(visitor);
    await visitor.choose(await sampleImages.jpegOfSize(400_000));
    await visitor.zoom.waitFor();
    await visitor.use();
    await expect.poll(() => page.getByRole("progressbar").getAttribute("value")).toMatch(/^0\.[0-9]*[1-9]/);
    await page.getByRole("button", { name: "Cancel upload" }).click();
    await page.getByRole("button", { name: "Use this picture" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();

    expect(await visitor.ownPictures(username)).toEqual(["initials", "initials", "initials"]);
    expectNoTroubles();
  });

  it("may be pasted, or dropped anywhere on the page", async () => {
    const { visitor, page } = await visitSignedUp();
    const base64 = sampleImages.portraitJpeg().toString("base64");
    const give = (kind: "paste" | "drop") =>
      page.evaluate(`{
        const bytes = Uint8Array.from(atob("${base64}"), (byte) => byte.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "me.jpg", { type: "image/jpeg" }));
        const options = { bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data };
        document.body.dispatchEvent(
          "${kind}" === "paste" ? new ClipboardEvent("paste", options) : new DragEvent("drop", options),
        );
      }`);
    await give("paste");
    await visitor.zoom.waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await give("drop");
    await visitor.zoom.waitFor();
    await visitor.use();
    await page.getByText("That is you now").waitFor();

    expectNoTroubles();
  });
});

describe("a file that the service does not accept", () => {
  givenService();

  const photo = () =>
    sharp({
      create: {
        width: 2400,
        height: 1800,
        channels: 3,
        background: "#888",
        noise: { type: "gaussian", mean: 128, sigma: 50 },
      },
    });

  it("is too large: the page says how large, and makes it smaller", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.choose(await photo().jpeg({ quality: 90 }).toBuffer());
    const alert = await page.getByRole("alert").textContent();
    await page.getByRole("button", { name: "Make it smaller" }).click();
    await visitor.zoom.waitFor();
    await visitor.use();
    await page.getByText("That is you now").waitFor();

    expect(alert).toMatch(/^That file is \d\.\d MB; pictures can be up to 800 KB\.$/);
    expect((await visitor.ownPictures(username))[0]).toContain("/api/users/media/");
    expectNoTroubles();
  });

  it.each([
    ["WebP", "webp", "me.webp", "image/webp"],
    ["AVIF", "avif", "me.jpg", "image/jpeg"],
  ] as const)("is of another type, %s: the page makes it a JPG", async (type, format, name, declaredType) => {
    const { visitor, page } = await visitSignedUp();
    await visitor.choose(await photo().resize(300).toFormat(format).toBuffer(), name, declaredType);
    const alert = await page.getByRole("alert").textContent();
    await page.getByRole("button", { name: "Make it a JPG" }).click();
    await visitor.zoom.waitFor();
    await visitor.use();
    await page.getByText("That is you now").waitFor();

    expect(alert).toBe(`That is a file of the type ${type}. Pictures can be JPG, PNG or GIF.`);
    expectNoTroubles();
  });

  it.each([
    [
      "is not a picture",
      Buffer.from("hello"),
      "That is not a picture that we can use. Pictures can be JPG, PNG or GIF.",
    ],
    ["is empty", Buffer.alloc(0), "That file is empty."],
    ["is damaged", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]), /^That file is damaged or was cut off/],
  ])("%s: the page does not send it", async (_what, bytes, sentence) => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.choose(bytes);

    expect(await page.getByRole("alert").textContent()).toMatch(sentence);
    expect(await page.getByRole("button", { name: "Use this picture" }).count()).toBe(0);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await visitor.ownPictures(username)).toEqual(["initials", "initials", "initials"]);
    expectNoTroubles();
  });

  it("has too many pixels: the page makes it smaller", async () => {
    const { visitor, page } = await visitSignedUp();
    const vast = await sharp({ create: { width: 7000, height: 7000, channels: 3, background: "#336699" } })
      .png()
      .toBuffer();
    await visitor.choose(vast);
    const alert = await page.getByRole("alert").textContent();
    await page.getByRole("button", { name: "Make it smaller" }).click();
    await visitor.zoom.waitFor();

    expect(alert).toMatch(/^That picture has too many pixels/);
    expect(await page.locator(":focus").innerText()).toBe("Fit your picture");
    expectNoTroubles();
  });

  it("is valid for the browser but not for the service: the page shows the reason, and makes it a JPG", async () => {
    const { visitor, page } = await visitSignedUp();
    const jpeg = sampleImages.portraitJpeg();
    await visitor.choose(Buffer.concat([jpeg.subarray(0, jpeg.length - 3000), Buffer.from([0xff, 0xd9])]));
    await visitor.zoom.waitFor();
    await visitor.use();

    expect(await page.getByRole("alert").textContent()).toMatch(/^That file is damaged or was cut off/);
    expect(await page.getByRole("button", { name: "Try again" }).count()).toBe(0);
    await page.getByRole("button", { name: "Make it a JPG" }).click();
    await visitor.zoom.waitFor();
    await visitor.use();
    await page.getByText("That is you now").waitFor();
    expectNoTroubles();
  });

  it("exceeds the rate limit: the page says how long to wait", async () => {
    const { visitor, page } = await visitSignedUp();
    for (let i = 0; i < UPLOADS_PER_MINUTE; i++) await visitor.upload(await sampleImages.flatPng(40 + i, 40));
    await visitor.choose(sampleImages.portraitJpeg());
    await visitor.zoom.waitFor();
    await visitor.use();

    expect(await page.getByRole("alert").textContent()).toMatch(
      /^That was a lot at once\. Please wait \d+ seconds and try again\.$/,
    );
    expectNoTroubles();
  });
});

describe("an unexpected event", () => {
  givenService();

  const DELETE = "mutation { deleteProfilePicture { success } }";
  const tokenOf = async ({ page }: Visitor) =>
    String(await page.evaluate('localStorage.getItem("letsapp-token")'));
  const ask = (token: string, query: string) =>
    fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    });

  it("another user signs in in another tab: the page switches to that user", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    const other = await visitSignedUp();
    await page.evaluate(`
      localStorage.setItem("letsapp-token", "${await tokenOf(other.visitor)}");
      dispatchEvent(new StorageEvent("storage", { key: "letsapp-token" }));
    `);

    await page.locator("header").getByText(other.username).waitFor();
    await page.getByRole("listitem").filter({ hasText: username }).waitFor();
    expect(await page.getByRole("button", { name: "Delete" }).count()).toBe(0);
    expect(await page.locator("header").getByText(username, { exact: true }).count()).toBe(0);
    expectNoTroubles();
  });

  it("another user changes and deletes a picture: the page shows each change within two seconds", async () => {
    const [watcher, owner] = [await visitSignedUp(), await visitSignedUp()];
    await watcher.page.reload(); // Loads the list with both users.
    const seen = watcher.page
      .getByRole("listitem")
      .filter({ hasText: owner.username })
      .locator(".profile-picture");
    await seen.waitFor();
    const source = () => seen.getAttribute("src");
    const isShown = async (expected: (src: string | null) => boolean) => {
      await expect.poll(async () => expected(await source()), { timeout: 2_000 }).toBe(true);
    };

    await owner.visitor.upload(sampleImages.portraitJpeg());
    await isShown((src) => src !== null);
    const first = await source();
    await owner.visitor.upload(await sampleImages.flatPng(300, 300));
    await isShown((src) => src !== null && src !== first);
    await owner.visitor.picturesHaveCome();
    await watcher.visitor.picturesHaveCome();
    await owner.page.getByRole("button", { name: "Delete" }).click();
    await isShown((src) => src === null);
    expectNoTroubles();
  });

  it("the user's picture is deleted elsewhere: the page removes it in every place", async () => {
    const { visitor, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());

    await ask(await tokenOf(visitor), DELETE);

    await expect
      .poll(() => visitor.ownPictures(username), { timeout: 2_000 })
      .toEqual(["initials", "initials", "initials"]);
    expectNoTroubles();
  });

  it("the picture is deleted elsewhere without a live event: Delete shows an error and the initials", async () => {
    const visitor = await visit();
    const { page } = visitor;
    await page.routeWebSocket(/graphql/, () => {});
    await page.reload();
    const username = `Visitor ${++visitorCount}.`;
    await visitor.signUp(username);
    await visitor.upload(sampleImages.portraitJpeg());
    await ask(await tokenOf(visitor), DELETE);
    await page.getByRole("button", { name: "Delete" }).click();

    expect(await page.getByRole("alert").textContent()).toBe("There is no picture to delete.");
    await expect.poll(() => visitor.ownPictures(username)).toEqual(["initials", "initials", "initials"]);
    expectNoTroubles();
  });

  it("the focused button disappears: the focus moves to the message in its place", async () => {
    const { visitor, page } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    await page.getByRole("button", { name: "Delete" }).press("Enter");
    await page.getByText("Your picture is deleted").waitFor();

    expect(await page.locator(":focus").innerText()).toContain("Your picture is deleted");
    expectNoTroubles();
  });

  it.each([
    [503, "<html>503</html>", /^We are busy right now\. Please try again in 5 seconds\.$/],
    [429, "", /^That was a lot at once/],
    [204, "", /^Something went wrong on our side/],
    [400, '{"errors":[{"message":"Cannot query field x"}]}', /^Something went wrong on our side/],
  ])("a proxy answers an upload with %i: the page shows a sentence", async (status, body, sentence) => {
    const { visitor, page } = await visitSignedUp();
    await visitor.choose(sampleImages.portraitJpeg());
    await visitor.zoom.waitFor();
    await page.route("**/graphql", (route) =>
      route.fulfill({ status, body, contentType: body.startsWith("{") ? "application/json" : "text/html" }),
    );
    await visitor.use();

    expect(await page.getByRole("dialog").getByRole("alert").textContent()).toMatch(sentence);
    expect(
      await page.getByRole("button", { name: "Try again" }).evaluate((button) => button.matches(":focus")),
    ).toBe(true);
    expectNoTroubles(/status of (4|5)/);
  });

  it("a proxy answers an upload with 413: the page says so, and offers to make the picture smaller", async () => {
    const { visitor, page } = await visitSignedUp();
    await visitor.choose(sampleImages.portraitJpeg());
    await visitor.zoom.waitFor();
    await page.route("**/graphql", (route) => route.fulfill({ status: 413, body: "<html>413</html>" }));
    await visitor.use();
    const alert = page.getByRole("dialog").getByRole("alert");

    expect(await alert.textContent()).toBe("That file is too large; pictures can be up to 800 KB.");
    expect(await page.getByRole("button", { name: "Make it smaller" }).count()).toBe(1);
    expect(await page.locator(":focus").innerText()).toBe("Fit your picture");
    expectNoTroubles(/status of 413/);
  });

  it("the network is down during an upload: the page says so, and a second attempt succeeds", async () => {
    const { visitor, page } = await visitSignedUp();
    await visitor.choose(sampleImages.portraitJpeg());
    await visitor.zoom.waitFor();
    await page.context().setOffline(true);
    await visitor.use();
    const sentence = await page.getByRole("dialog").getByRole("alert").textContent();
    await page.context().setOffline(false);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("That is you now").waitFor();

    expect(sentence).toBe("We cannot be reached. Is your connection working?");
    expectNoTroubles(/ERR_INTERNET_DISCONNECTED|^failed:/); // Failed requests of the page and its live connection.
  });
});

describe("a list that is longer than a page", () => {
  givenService();

  it("shows more on request, says when that fails, and keeps its length when it polls", async () => {
    for (let i = 0; i < 26; i++) {
      const input = `{ username: "Extra ${i}.", email: "extra${i}@example.com", password: "correct horse" }`;
      await fetch(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: `mutation { register(input: ${input}) { token } }` }),
      });
    }
    const { page } = await visitSignedUp();
    const rows = page.getByRole("listitem");
    await rows.nth(23).waitFor();
    await page.route("**/graphql", (route) => route.abort());
    await page.getByRole("button", { name: "Show more" }).click();
    const sentence = await page.getByRole("alert").textContent();
    await page.unroute("**/graphql");
    await page.getByRole("alert").getByRole("button").click();
    await page.getByText("Extra 25.").waitFor();
    const count = await rows.count();
    await page.waitForResponse((response) => response.url().endsWith("/graphql"), { timeout: 60_000 });
    await page.waitForTimeout(500); // Waits until the list shows the answer.

    expect(sentence).toContain("We cannot be reached");
    expect(count).toBeGreaterThan(26);
    expect(await rows.count()).toBe(count);
    expectNoTroubles(/ERR_FAILED|^failed:/);
  }, 120_000);
});

describe("signing in", () => {
  givenService();

  it("shows why it is refused, and then succeeds", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Name or e-mail").fill(username);
    await page.getByLabel("Password").fill("wrong horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    const refused = await page.getByRole("alert").textContent();
    await page.getByLabel("Password").fill("amazing grace");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Your picture" }).waitFor();

    expect(refused).toBe("That name and password do not fit together.");
    expect(await visitor.ownPictures(username)).toHaveLength(3);
    expectNoTroubles();
  });

  it("reports a name that is taken", async () => {
    const { username } = await visitSignedUp();
    const { page } = await visit();
    await page.getByLabel("Name").fill(username);
    await page.getByLabel("E-mail").fill("other@example.com");
    await page.getByLabel("Password").fill("amazing grace");
    await page.getByRole("button", { name: "Sign up" }).click();

    expect(await page.getByRole("alert").textContent()).toMatch(/name/i);
    expectNoTroubles();
  });

  it("ends when the token is no longer valid", async () => {
    const { page } = await visitSignedUp();
    await page.evaluate('localStorage.setItem("letsapp-token", "e30.e30.bad")');
    await page.reload();

    await page.getByRole("heading", { name: "Create your account" }).waitFor();
    expectNoTroubles(/status of 401/);
  });
});

describe("the page, for every user and screen", () => {
  givenService();

  const screens: Record<string, BrowserContextOptions> = {
    "a phone": { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
    "a large screen, dark": { viewport: { width: 1600, height: 1000 }, colorScheme: "dark" },
  };

  it.each(Object.entries(screens))(
    "has no violations found by axe, and is not wider than the screen: %s",
    async (_name, options) => {
      const visitor = await visit(options);
      await expectAccessible(visitor);
      await visitor.signUp(`Maximiliane-Theodora von und zu Hohenstein ${++visitorCount}.`);
      await visitor.upload(sampleImages.portraitJpeg());
      await expectAccessible(visitor);
      await visitor.choose(await sampleImages.jpegOfSize(900_000));
      await visitor.page.getByRole("alert").waitFor();
      await expectAccessible(visitor);
      await visitor.page.keyboard.press("Escape");
      await visitor.page.getByRole("alert").waitFor({ state: "hidden" });
      await visitor.choose(sampleImages.portraitJpeg());
      await visitor.zoom.waitFor();
      await expectAccessible(visitor);
      expectNoTroubles();
    },
  );

  it("can replace and crop a picture by keyboard alone", async () => {
    const { visitor, page, username } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    const before = await visitor.ownPictures(username);
    await visitor.choose(await sampleImages.flatPng(300, 200));
    await visitor.zoom.waitFor();
    const tabTo = async (place: Locator) => {
      const isFocused = () => place.evaluate((element) => element.matches(":focus"));
      for (let i = 0; i < 20 && !(await isFocused()); i++) await page.keyboard.press("Tab");
    };
    await tabTo(page.getByLabel(/^Visible part/));
    await page.keyboard.press("ArrowRight");
    await tabTo(visitor.zoom);
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight");
    const zoomed = Number(await visitor.zoom.inputValue());
    await tabTo(page.getByRole("button", { name: "Use this picture" }));
    await page.keyboard.press("Enter");
    await page.getByText("That is you now").waitFor();

    expect(zoomed).toBeCloseTo(1.5);
    expect(await visitor.ownPictures(username)).not.toEqual(before);
    expect(await page.evaluate("document.querySelector('dialog')")).toBeNull();
    expectNoTroubles();
  });

  it("does not shift its layout while pictures load", async () => {
    const { visitor, page } = await visitSignedUp();
    await visitor.upload(sampleImages.portraitJpeg());
    await page.addInitScript(`
      globalThis.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) globalThis.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    `);
    await page.reload();
    await page.getByRole("listitem").first().locator("bdi").waitFor();
    await page.waitForLoadState("networkidle");

    expect(Number(await page.evaluate("globalThis.shift"))).toBeLessThan(0.01);
  });
});

async function expectAccessible({ page }: Visitor): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
}
