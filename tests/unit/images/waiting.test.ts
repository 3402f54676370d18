// Checks how long image work waits for its turn, with a clock that the test controls.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { PictureMaker, type WorkKind } from "../../../src/images/picture-maker.ts";
import type { ImageWorker } from "../../../src/images/tasks.ts";
import { createLog } from "../../../src/runtime/log.ts";
import { Placeholders } from "../../../src/services/placeholders.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const hangingWorker: ImageWorker = { start() {}, run: () => new Promise(() => {}), close: async () => {} };

/** A picture maker whose only process never finishes its job. */
function busyMaker(): PictureMaker {
  const maker = new PictureMaker({ maxConcurrent: 1, maxWaiting: 10 }, hangingWorker);
  void draw(maker, "animations");
  return maker;
}

function draw(maker: PictureMaker, kind: WorkKind): Promise<unknown> {
  return maker.run(kind, "ada", async () => ({
    memoryBytes: 1,
    task: "renderThumbHash",
    args: ["3OcRJYB4d3h/iIeHeEh3eIhw+j2w"],
  }));
}

/** The code of the error, and the seconds until it came. */
async function outcomeOf(work: Promise<unknown>): Promise<[code: string, seconds: number]> {
  const startedAtMs = performance.now();
  const code = await work.then(
    () => "done",
    (error: { code: string }) => error.code,
  );
  return [code, Math.round((performance.now() - startedAtMs) / 1000)];
}

it("waits for eight seconds in the queue of its kind and the shared queue together", async () => {
  const maker = busyMaker();
  const first = outcomeOf(draw(maker, "squares"));
  await vi.advanceTimersByTimeAsync(2_000);

  const second = outcomeOf(draw(maker, "squares")); // Enters the shared queue when the first one has given up.
  await vi.advanceTimersByTimeAsync(20_000);

  expect(await first).toEqual(["OVERLOADED", 8]);
  expect(await second).toEqual(["OVERLOADED", 8]);
});

it("waits for eight seconds for a blur that a request needs, behind others that may wait longer", async () => {
  const maker = busyMaker();
  const placeholders = new Placeholders({} as never, {} as never, maker, createLog("silent"));
  const others = [draw(maker, "placeholders"), draw(maker, "placeholders")].map(outcomeOf);

  const blur = outcomeOf(placeholders.toDataUrl("3OcRJYB4d3h/iIeHeEh3eIhw+j2w", "grace"));
  await vi.advanceTimersByTimeAsync(60_000);

  expect(await blur).toEqual(["OVERLOADED", 8]);
  expect((await Promise.all(others)).map(([code]) => code)).toEqual(["OVERLOADED", "OVERLOADED"]);
});
