// A page of a real browser, with a record of what went wrong on it and of what it asked for elsewhere.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Less than a test has, so that it says which step it was. */
const STEP_TIMEOUT_MS = 15_000;

export interface WatchedPage {
  page: Page;
  /** What the console says of errors, what was thrown and not caught, what could not be fetched. */
  troubles: string[];
  /** Addresses of other origins that were asked for. */
  outside: string[];
}

/** @param origin what counts as the page's own */
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
    // Somebody has gone on before it had come.
    if (request.failure()?.errorText !== "net::ERR_ABORTED")
      watched.troubles.push(`failed: ${request.url()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (/^https?:/.test(url) && !url.startsWith(origin)) watched.outside.push(url);
  });
  return watched;
}
