// Waits for what nobody tells. Used where connections or purges come to their end while the service stops.
import { setTimeout } from "node:timers/promises";

const LOOK_INTERVAL_MS = 10;

/** Resolves when it is so, or when the time is over. */
export async function until(isSo: () => boolean | Promise<boolean>, maxMs: number): Promise<void> {
  const endAtMs = performance.now() + maxMs;
  while (!(await isSo()) && performance.now() < endAtMs) await setTimeout(LOOK_INTERVAL_MS);
}
