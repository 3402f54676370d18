// Polls a condition until it holds or the time is up.
import { setTimeout } from "node:timers/promises";

const POLL_INTERVAL_MS = 10;

/** Resolves when `isSo` returns true, or after `maxMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, maxMs: number): Promise<void> {
  const endAtMs = performance.now() + maxMs;
  while (!(await isSo()) && performance.now() < endAtMs) await setTimeout(POLL_INTERVAL_MS);
}
