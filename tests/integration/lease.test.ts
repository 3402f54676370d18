// A lease lets one process at a time do the work, and expires when that process is killed.
import { EventEmitter, once } from "node:events";

import { afterEach, beforeEach, expect, it } from "vitest";

import { Lease } from "../../src/database/lease.ts";
import { TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeEach(async () => {
  app = await TestApp.start();
});
afterEach(() => app.stop());

/** A lease on the same work, as each process creates its own. */
const givenLease = () => new Lease(app.app.database.connection, app.app.database.clock, "work");
const leases = () => app.app.database.connection.collection<{ _id: string; renewed_at: Date }>("leases");
const recorded = async () => (await leases().findOne({ _id: "work" }))!.renewed_at;

/** Makes `count` attempts at the same time. The holder works until all others were refused. */
function holdAtOnce(count: number): Promise<("done" | null)[]> {
  let refusedCount = 0;
  const work = async () => {
    await expect.poll(() => refusedCount, { timeout: 5_000 }).toBe(count - 1);
    return "done" as const;
  };
  const attempts = Array.from({ length: count }, async () => {
    const result = await givenLease().hold(work);
    if (result === null) refusedCount += 1;
    return result;
  });
  return Promise.all(attempts);
}

it("a lease is held by one of many processes, and by another one when the first is done", async () => {
  const results = await holdAtOnce(10);
  const next = await givenLease().hold(async () => "done");

  expect(results.filter((result) => result === "done")).toHaveLength(1);
  expect(results.filter((result) => result === null)).toHaveLength(9);
  expect(next).toBe("done");
});

it("a lease is free again when the work has failed", async () => {
  const failing = givenLease().hold(() => Promise.reject(new Error("it failed")));

  await expect(failing).rejects.toThrow("it failed");
  expect(await givenLease().hold(async () => "done")).toBe("done");
});

it("a lease is taken over from a process that was killed, after ten seconds", async () => {
  const now = Date.now();
  await leases().insertOne({ _id: "work", renewed_at: new Date(now - 8_000) });
  const early = await givenLease().hold(async () => "done");
  await leases().updateOne({ _id: "work" }, { $set: { renewed_at: new Date(now - 11_000) } });

  const late = await holdAtOnce(3);

  expect(early).toBeNull();
  expect(late.filter((result) => result === "done")).toHaveLength(1);
});

it("a lease is taken over when the database's clock was set back after its renewal", async () => {
  await leases().insertOne({ _id: "work", renewed_at: new Date(Date.now() + 3_600_000) });

  expect(await givenLease().hold(async () => "done")).toBe("done");
});

it("a lease is renewed until the work ends", async () => {
  const work = new EventEmitter();
  const held = givenLease().hold(() => once(work, "end"));
  await expect.poll(() => leases().countDocuments({ _id: "work" })).toBe(1);
  const first = await recorded();

  await expect.poll(async () => +(await recorded()) - +first, { timeout: 9_000 }).toBeGreaterThan(2_500);
  work.emit("end");
  await held;

  expect(await leases().countDocuments({ _id: "work" })).toBe(0);
});
