// That work is done by one process at a time, and that one that was killed keeps no other from it.
import { setTimeout } from "node:timers/promises";

import { afterEach, beforeEach, expect, it } from "vitest";

import { Lease } from "../../src/database/lease.ts";
import { TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeEach(async () => {
  app = await TestApp.start();
});
afterEach(() => app.stop());

/** As another process has it. */
const givenLease = () => new Lease(app.app.database.connection, "work");
const leases = () => app.app.database.connection.collection<{ _id: string; renewed_at: Date }>("leases");
const recorded = async () => (await leases().findOne({ _id: "work" }))!.renewed_at;

it("is held by one of many, and by another one when that has done", async () => {
  let [atWork, mostAtWork] = [0, 0];
  const work = async () => {
    atWork += 1;
    mostAtWork = Math.max(mostAtWork, atWork);
    await setTimeout(50);
    atWork -= 1;
    return "done";
  };

  const first = await Promise.all(Array.from({ length: 10 }, () => givenLease().hold(work)));
  const second = await givenLease().hold(work);

  expect(first.filter((result) => result === "done")).toHaveLength(1);
  expect(first.filter((result) => result === null)).toHaveLength(9);
  expect([second, mostAtWork]).toEqual(["done", 1]);
});

it("is free again when the work has failed", async () => {
  const failing = givenLease().hold(() => Promise.reject(new Error("it failed")));

  await expect(failing).rejects.toThrow("it failed");
  expect(await givenLease().hold(async () => "done")).toBe("done");
});

it("is taken over from a process that was killed, when ten seconds are over", async () => {
  const now = Date.now();
  await leases().insertOne({ _id: "work", renewed_at: new Date(now - 8_000) });
  const early = await givenLease().hold(async () => "done");
  await leases().updateOne({ _id: "work" }, { $set: { renewed_at: new Date(now - 11_000) } });

  const late = await Promise.all([1, 2, 3].map((n) => givenLease().hold(() => setTimeout(50, n))));

  expect(early).toBeNull();
  expect(late.filter((result) => result !== null)).toHaveLength(1);
});

it("is taken over where the database's clock has been set back meanwhile", async () => {
  await leases().insertOne({ _id: "work", renewed_at: new Date(Date.now() + 3_600_000) });

  expect(await givenLease().hold(async () => "done")).toBe("done");
});

it("is renewed for as long as the work takes", async () => {
  const work = givenLease().hold(() => setTimeout(3_500));
  await expect.poll(() => leases().countDocuments()).toBe(1);
  const first = await recorded();

  await setTimeout(3_200);
  const second = await recorded();
  await work;

  expect(+second - +first).toBeGreaterThan(2_500);
  expect(await leases().countDocuments({ _id: "work" })).toBe(0);
});
