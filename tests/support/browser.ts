// Finds and launches a real browser: the Chromium that is installed on this machine.
import { existsSync } from "node:fs";

import { chromium, type Browser } from "playwright-core";

const places = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export function findChromium(): string | undefined {
  return places.find((place) => place !== undefined && existsSync(place));
}

/** @param flags more flags for the command line */
export function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  const args = ["--disable-quic", "--disable-background-networking", ...flags];
  // Chromium's sandbox does not work for root, the user under which containers run tests.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath: findChromium()!, args });
}
