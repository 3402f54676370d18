// Checks in a browser: pictures on another site's page, and the playground.
import { createServer, type Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { launchBrowser } from "../support/browser.ts";
import { openPage } from "../support/browser-page.ts";
import { Client } from "../support/client.ts";
import { RegisterDocument, UploadProfilePictureDocument } from "../support/operations.generated.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";

let folder: string;
let server: ServerProcess;
let browser: Browser;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "letsapp-browser-"));
  server = await ServerProcess.start({ INSTANCE_DIR: folder });
  browser = await launchBrowser();
  client = new Client(server.url);
  const input = { username: "grace", email: "grace@example.com", password: "amazing grace" };
  client.token = (await client.execute(RegisterDocument, { input })).register.token;
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a picture on another site's page", () => {
  let site: Server;
  afterAll(() => site?.close());

  it("is shown, and scripts of that page may draw it and read its pixels", async () => {
    const file = new Blob([new Uint8Array(sampleImages.portraitJpeg())]);
    const { uploadProfilePicture } = await client.execute(UploadProfilePictureDocument, { file });
    const { url, thumbnailUrl } = uploadProfilePicture.media!;
    site = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<!doctype html><img id="original" src="${url}"><img id="thumbnail" src="${thumbnailUrl}">
        <img id="readable" crossorigin src="${thumbnailUrl}">`);
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const { page, troubles } = await openPage(browser, server.url);

    await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`, { waitUntil: "load" });
    const sizes = await page.$$eval("img", (images) =>
      (images as unknown as { naturalWidth: number; naturalHeight: number }[]).map((image) => [
        image.naturalWidth,
        image.naturalHeight,
      ]),
    );
    const pixel = await page.evaluate(`(() => {
      const canvas = document.createElement("canvas").getContext("2d");
      canvas.drawImage(document.getElementById("readable"), 0, 0);
      return canvas.getImageData(75, 75, 1, 1).data[3];
    })()`);
    await page.close();

    expect(sizes).toEqual([
      [512, 600],
      [150, 150],
      [150, 150],
    ]);
    expect(pixel).toBe(255);
    expect(troubles.filter((trouble) => !trouble.includes("favicon"))).toEqual([]);
  });
});

describe("the playground", () => {
  it("uploads a file and shows the result, without a request to another origin", async () => {
    const { page, troubles, outside } = await openPage(browser, server.url, {
      viewport: { width: 1400, height: 900 },
      extraHTTPHeaders: { authorization: `Bearer ${client.token}` },
    });

    await page.goto(`${server.url}/playground`);
    await page.getByText("2 Upload").click();
    await page.locator("[track-id=toggle_variables]:visible").click();
    await page.getByText("Add files").locator("visible=true").click();
    await page.locator("[data-tid=file_name]:visible").fill("file");
    await page.locator("input.variables-file-item-input[type=file]").first().setInputFiles({
      name: "me.jpg",
      mimeType: "image/jpeg",
      buffer: sampleImages.portraitJpeg(),
    });
    await page.getByText("Send Request").locator("visible=true").click();
    await page.getByText("Profile picture updated successfully").locator("visible=true").waitFor();
    const advertisements = await page.getByText("Altair AI").count();
    await page.close();

    expect(advertisements).toBe(0);
    expect(outside).toEqual([]);
    expect(troubles).toEqual([]);
  });
});
