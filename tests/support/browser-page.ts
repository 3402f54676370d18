// Opens a page in a real browser, and records its errors and its requests to other origins.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Shorter than a test's time limit, so that the failure names the step. */
const STEP_TIMEOUT_MS = 15_000;

export interface WatchedPage {
  page: Page;
  /** Errors on the console, uncaught exceptions and failed requests. */
  troubles: string[];
  /** Addresses that the page requested from other origins. */
  outside: string[];
}

/** @param origin requests to this origin are not recorded in `outside` */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  const watched: WatchedPage = { page, troubles: [], outside: [] };
  page.on("console", (message) => message.type() === "error" && watched.troubles.push(message.text()));
  page.on("pageerror", (error) => watched.troubles.push(error.message));
  page.on("requestfailed", (request) => {
    // The page was left before the response arrived.
    if (request.failure()?.errorText !== "net::ERR_ABORTED")
      watched.troubles.push(`failed: ${request.url()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (/^https?:/.test(url) && !url.startsWith(origin)) watched.outside.push(url);
  });
  return watched;
}
