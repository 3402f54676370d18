// Asks Chromium whether it can show a file, and which colours it shows. The tests take its answers as correct.
import type { Browser, Page } from "playwright-core";

import { launchBrowser } from "../support/browser.ts";

/** The size, the number of frames, and the colours of some points as Chromium shows them. */
export interface Shown {
  width: number;
  height: number;
  frameCount: number;
  /** Red, green and blue of each point over white, then of each point over black: opacity shows as well. */
  colours: number[][];
}

/** Fractions of the width and height of the picture. */
export type Point = readonly [x: number, y: number];

/** Runs in the page. Returns null for a file that Chromium does not decode completely. */
const SHOW = `async ({ base64, type, points, frameIndex }) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const decoder = new ImageDecoder({ data: bytes, type });
  try {
    const bitmap = await createImageBitmap(new Blob([bytes], { type }));
    await decoder.tracks.ready;
    await decoder.completed;
    const { frameCount } = decoder.tracks.selectedTrack;
    const source = frameIndex === 0 ? bitmap : (await decoder.decode({ frameIndex })).image;
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    const colours = ["#fff", "#000"].flatMap((background) => {
      context.fillStyle = background;
      context.fillRect(0, 0, width, height);
      context.drawImage(source, 0, 0);
      return points.map(([x, y]) => meanColour(context, x * width, y * height, width / 20, height / 20));
    });
    source.close();
    return { width, height, frameCount, colours };
  } catch {
    return null;
  } finally {
    decoder.close();
  }
  function meanColour(context, x, y, width, height) {
    const size = [width, height].map((side) => Math.max(1, Math.floor(side)));
    const { data } = context.getImageData(Math.round(x - size[0] / 2), Math.round(y - size[1] / 2), ...size);
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i++) if (i % 4 < 3) sums[i % 4] += data[i];
    return sums.map((sum) => sum / (data.length / 4));
  }
}`;

const types: readonly [type: string, start: RegExp][] = [
  ["image/png", /^.PNG/],
  ["image/gif", /^GIF/],
  ["image/webp", /^RIFF/],
  ["image/avif", /^....ftyp/s],
  ["image/jpeg", /^/],
];

export class Oracle {
  private constructor(
    readonly browser: Browser,
    readonly page: Page,
  ) {}

  static async start(): Promise<Oracle> {
    const browser = await launchBrowser(["--force-color-profile=srgb"]);
    const page = await browser.newPage();
    // ImageDecoder exists only in secure contexts, such as pages of localhost.
    await page.route("http://localhost/", (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await page.goto("http://localhost/");
    await page.evaluate(`window.show = ${SHOW}`);
    return new Oracle(browser, page);
  }

  /** Returns what Chromium shows of a frame; null when it does not decode the file completely. */
  show(bytes: Buffer, points: readonly Point[], frameIndex = 0): Promise<Shown | null> {
    const start = bytes.toString("latin1", 0, 12);
    const [type] = types.find(([, pattern]) => pattern.test(start))!;
    const argument = JSON.stringify({ base64: bytes.toString("base64"), type, points, frameIndex });
    return this.page.evaluate(`show(${argument})`);
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}
