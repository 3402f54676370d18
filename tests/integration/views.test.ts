// Each view is counted exactly once, also when a process or the database fails between its answer and its record.
import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ViewCountRepository } from "../../src/database/view-count-repository.ts";
import { ViewCounter } from "../../src/views/view-counter.ts";
import { ViewJournal } from "../../src/views/view-journal.ts";
import { Random } from "../fuzz/random.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

let app: TestApp;
let mediaId: string;
let token: string;
let journalFolder: string;
let counts: ViewCountRepository;
beforeEach(async () => {
  app = await TestApp.start();
  counts = app.app.database.viewCounts;
  journalFolder = app.config.media.viewJournalDir;
  ({ mediaId, token } = await app.givenPersonWithPicture(await sampleImages.palettePng()));
});
afterEach(() => {
  vi.restoreAllMocks();
  return app.stop();
});

const log = () => app.app.server.log;
const journalFiles = async () =>
  (await readdir(journalFolder, { recursive: true }).catch(() => [])).filter((name) =>
    name.endsWith(".views"),
  );
const view = async () => (await app.picture(mediaId)).arrayBuffer();

async function shownCount(): Promise<number> {
  const { data } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);
  return data.media.viewCount;
}

async function recordedCount(): Promise<number> {
  return (await app.mediaCollection.findOne({}))!.view_count;
}

/** Writes a batch of `viewCount` views of the picture to the journal, as a process that was killed left it. */
async function givenAbandoned(batch: string, viewCount: number, tail = ""): Promise<string> {
  const folder = path.join(journalFolder, batch.split(".")[0]!);
  const file = path.join(folder, `${batch}.views`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, Buffer.from(mediaId.repeat(viewCount) + tail, "hex"));
  return file;
}

/** A view counter of the next process, with the same records and the same journal. */
function nextCounter(isShared = false): ViewCounter {
  return new ViewCounter(counts, new ViewJournal(journalFolder, isShared, log()), 2_000, log());
}

describe("a view count", () => {
  const deletePicture = () => app.graphql(DELETE, {}, token);
  const meanwhile = async (act: () => Promise<unknown>) => {
    const { findMany } = counts;
    vi.spyOn(counts, "findMany").mockImplementation(async (ids) => {
      await act();
      return findMany.call(counts, ids);
    });
  };

  it("is returned with a picture that is deleted during the request", async () => {
    for (let i = 0; i < 3; i++) await view();
    await meanwhile(deletePicture);

    expect(await shownCount()).toBe(3);
  });

  it("is not invented for a picture whose record is removed during the request", async () => {
    await view();
    await meanwhile(() => app.mediaCollection.deleteMany({}));

    const { data, errors } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);

    expect(data).toEqual({ media: null });
    expect(errors![0]!.extensions.code).toBe("MEDIA_NOT_FOUND");
  });
});

describe("a view", () => {
  it("is in the journal when its answer is sent, and only in the record after the flush", async () => {
    await view();
    const files = await journalFiles();
    await app.app.views.flush();

    expect(files).toHaveLength(1);
    expect(await journalFiles()).toEqual([]);
    expect(await recordedCount()).toBe(1);
  });

  it("stays pending while the database is unreachable, in one waiting batch for all attempts", async () => {
    const revive = failing(async () => {
      throw new Error("the database is away");
    });
    for (let round = 0; round < 5; round++) {
      await view();
      await app.app.views.flush();
    }
    const [waiting, shown] = [await journalFiles(), await shownCount()];
    revive();
    await app.app.views.flush();

    expect(waiting).toHaveLength(2);
    expect(shown).toBe(5);
    expect(app.app.views.totals).toEqual({ counted: 5, pending: 0 });
    expect(await recordedCount()).toBe(5);
  });

  it("is counted once when the database has added it and the response was lost", async () => {
    const revive = failing(async (addViews, ...batch) => {
      await addViews(...batch);
      throw new Error("the connection is gone");
    });
    await view();
    await app.app.views.flush();
    const shown = await shownCount();
    revive();
    await view();
    await app.app.views.flush();

    expect(shown).toBe(1);
    expect(await recordedCount()).toBe(2);
    expect(await shownCount()).toBe(2);
  });

  it("is counted once by the next process when the response was lost and this process stopped", async () => {
    const first = nextCounter();
    await first.start();
    await first.count(mediaId);
    await first.flush(); // Now the record has a batch mark.
    await first.count(mediaId);
    const revive = failing(async (addViews, ...batch) => {
      await addViews(...batch);
      throw new Error("the connection is gone");
    });
    await first.close();
    revive();
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(2);
    expect(await journalFiles()).toEqual([]);
  });

  it("is counted once when another process has taken it over because this one seemed dead", async () => {
    const [slow, other] = [nextCounter(true), nextCounter()];
    await slow.start();
    for (let i = 0; i < 5; i++) await slow.count(mediaId);
    await other.start(); // Its journal is not shared: it takes every other process for dead.
    await other.close();

    await slow.close();

    expect(await recordedCount()).toBe(5);
  });

  it("is counted once when the first attempt to remove its journal fails", async () => {
    const journal = new ViewJournal(journalFolder, false, log());
    const counter = new ViewCounter(counts, journal, 2_000, log());
    await counter.count(mediaId);
    vi.spyOn(journal, "remove").mockRejectedValueOnce(new Error("the disk does not let go"));
    await counter.flush();
    const left = await journalFiles();
    await counter.count(mediaId);

    await counter.close();

    expect(left).toHaveLength(1);
    expect(await journalFiles()).toEqual([]);
    expect(await recordedCount()).toBe(2);
  });

  it("is left to the next process when this one stops while the database does not respond", async () => {
    const first = nextCounter();
    await first.count(mediaId);
    const revive = failing(() => new Promise(() => {}));
    const startedAtMs = performance.now();
    await first.close();
    const tookMs = performance.now() - startedAtMs;
    revive();
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(tookMs).toBeLessThan(5_000);
    expect(await recordedCount()).toBe(1);
  });

  it.each([
    ["null as the count", { view_count: null }],
    ["text as the count", { view_count: "12" }],
    ["null as the batch marks", { view_batches: null }],
    ["a list as the batch marks", { view_batches: [] }],
  ])(
    "is counted when another program has written %s, and so are views of other pictures",
    async (_, damage) => {
      const other = await app.givenPersonWithPicture(await sampleImages.onePixelPng());
      await app.mediaCollection.updateOne(
        { uploader_id: { $exists: true } },
        { $set: damage },
        { sort: { _id: 1 } },
      );
      for (let i = 0; i < 3; i++) {
        await view();
        await (await app.picture(other.mediaId)).arrayBuffer();
      }

      await app.app.views.flush();

      const records = await app.mediaCollection.find().sort({ _id: 1 }).toArray();
      expect(records.map((record) => record.view_count)).toEqual([3, 3]);
    },
  );

  it("is flushed when the service stops", async () => {
    await view();

    await app.app.views.close();

    expect(await recordedCount()).toBe(1);
  });

  it("is counted even if it cannot be written to the journal", async () => {
    await rm(journalFolder, { recursive: true, force: true });
    await writeFile(journalFolder, "a file where a folder should be");

    const response = await app.picture(mediaId);
    await response.arrayBuffer();
    await app.app.views.flush();

    expect(response.status).toBe(200);
    expect(await recordedCount()).toBe(1);
  });

  it("is included once in the count, also while it is being added to the record", async () => {
    await view();
    const { addViews, revive } = held();
    const flushing = app.app.views.flush();

    const before = await shownCount();
    await addViews();
    const within = await shownCount();
    revive();
    await flushing;

    expect([before, within, await shownCount()]).toEqual([1, 1, 1]);
  });
});

describe("the journal of a killed process", () => {
  it("is pending at once in the next process, and flushed with its own views", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await givenAbandoned("dead-1-a.2", 4);
    const next = nextCounter();
    await next.start();

    await next.count(mediaId);
    const shown = next.totals.pending;
    await next.close();

    expect(shown).toBe(8);
    expect(await recordedCount()).toBe(8);
    expect(await journalFiles()).toEqual([]);
  });

  it("is counted once when its last batch had reached the record", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await counts.add(new Map([[mediaId, 3]]), { writer: "dead-1-a", number: 1 });
    const next = nextCounter();
    await next.start();

    await next.count(mediaId);
    await next.close();

    expect(await recordedCount()).toBe(4);
  });

  it("is counted once when its last batch had reached the record, followed by batches of others", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await counts.add(new Map([[mediaId, 3]]), { writer: "dead-1-a", number: 1 });
    for (let number = 1; number <= 5; number++) {
      for (const writer of ["other-1-a", "other-2-b"]) {
        await counts.add(new Map([[mediaId, 10]]), { writer, number });
      }
    }
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(103);
  });

  it("leaves batch marks in the record only until the next process stops", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    const names = async () => Object.keys((await app.mediaCollection.findOne({}))!.view_batches ?? {});
    const next = nextCounter();
    await next.start();
    await next.count(mediaId);
    await next.flush();
    const meanwhile = await names();

    await next.close();

    expect(meanwhile).toHaveLength(2);
    expect(await names()).toEqual([]);
  });

  it("is read up to the view whose writing was interrupted", async () => {
    await givenAbandoned("dead-1-a.1", 2, "abcdef");
    await givenAbandoned("dead-1-a.2", 0);
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(2);
    expect(await journalFiles()).toEqual([]);
  });

  it("is counted once when its first batch is left over and its second had reached the record", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await counts.add(new Map([[mediaId, 3]]), { writer: "dead-1-a", number: 1 });
    await counts.add(new Map([[mediaId, 4]]), { writer: "dead-1-a", number: 2 });
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(7);
  });

  it("is taken over, and names that are not journals stay in place", async () => {
    await givenAbandoned("dead-1-a.2", 5);
    await writeFile(path.join(journalFolder, "notes.views"), "x");
    await mkdir(path.join(journalFolder, "dead-1-a", "dead-1-a.notes.views"));
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(5);
    expect((await journalFiles()).map((name) => path.basename(name)).toSorted()).toEqual([
      "dead-1-a.notes.views",
      "notes.views",
    ]);
  });

  it.each([1, 2, 3])(
    "is counted once by a chain of processes, each killed during a flush: seed %i",
    async (seed) => {
      const random = new Random(seed);
      const root = `${journalFolder}-of-chain`;
      const ids = [mediaId, await givenPicture(), await givenPicture()];
      const expected = new Map(ids.map((id) => [id, 0]));
      for (let generation = 1; generation <= 60; generation++) {
        const counter = new ViewCounter(counts, new ViewJournal(root, false, log()), 2_000, log());
        await counter.adopt();
        for (let step = random.below(3); step >= 0; step--) {
          for (let views = random.below(6); views > 0; views--) {
            const id = random.pick(ids);
            await counter.count(id);
            expected.set(id, expected.get(id)! + 1);
          }
          const isLast = step === 0;
          const revive = isLast ? killedAt(counter.journal, random) : () => {};
          await counter.flush();
          revive();
        }
      }
      const last = new ViewCounter(counts, new ViewJournal(root, false, log()), 2_000, log());
      await last.adopt();

      await last.close();

      const records = await app.mediaCollection.find().toArray();
      expect(new Map(records.map(({ _id, view_count: count }) => [String(_id), count]))).toEqual(expected);
    },
  );

  it("can contain more pictures than one command updates", async () => {
    const ids = Array.from({ length: 2500 }, (_, i) => i.toString(16).padStart(24, "0"));
    await app.app.views.flush();
    await writeFile(await givenAbandoned("dead-1-a.1", 0), Buffer.from([...ids, mediaId].join(""), "hex"));
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(1);
    expect(await journalFiles()).toEqual([]);
  });
});

describe("processes that share a folder", () => {
  it("do not touch the journal of a live process, and take over that of a dead one", async () => {
    const next = nextCounter(true);
    await next.count(mediaId);
    const machine = path.basename((await journalFiles())[0]!).split("-")[0];
    const living = await givenAbandoned(`${machine}-${process.ppid}-a.1`, 2);
    await givenAbandoned(`${machine}-99999999-b.1`, 3);
    await next.start();

    await next.close();

    expect(await journalFiles()).toEqual([path.relative(journalFolder, living)]);
    expect(await recordedCount()).toBe(4);
  });

  it("take over from a process on another machine that shows no sign of life, by their own clock", async () => {
    const living = await givenAbandoned("othermachine-1-a.1", 2);
    await givenAbandoned("othermachine-2-b.1", 3);
    const next = nextCounter(true);
    await next.start();
    const atOnce = next.totals.pending;
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 61_000);
    await utimes(path.dirname(living), new Date(1), new Date(1)); // Any change of the time is a sign of life.

    await next.adopt();
    await next.close();

    expect(atOnce).toBe(0);
    expect(await recordedCount()).toBe(3);
    expect(await journalFiles()).toEqual([path.relative(journalFolder, living)]);
  });

  it("can take over at the same time, and only one of them gets each journal", async () => {
    for (let number = 1; number <= 10; number++) await givenAbandoned(`othermachine-2-b.${number}`, 3);
    const others = [nextCounter(true), nextCounter(true)];
    await Promise.all(others.map((other) => other.start()));
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 61_000);

    await Promise.all(others.map((other) => other.adopt()));
    for (const other of others) await other.count(mediaId);
    await Promise.all(others.map((other) => other.close()));

    expect(await recordedCount()).toBe(32);
    expect(await journalFiles()).toEqual([]);
  });
});

async function givenPicture(): Promise<string> {
  return (await app.givenPersonWithPicture(await sampleImages.palettePng())).mediaId;
}

/** Simulates a kill at a random point before or after a write or a removal of a batch: later steps fail. */
function killedAt(journal: ViewJournal, random: Random): () => void {
  let lives = random.below(8);
  const dying = async (act: () => Promise<void>) => {
    if (lives-- <= 0) throw new Error("killed before");
    await act();
    if (lives-- <= 0) throw new Error("killed after");
  };
  const remove = journal.remove.bind(journal);
  journal.remove = (batch) => dying(() => remove(batch));
  return failing((addViews, ...batch) => dying(() => addViews(...batch)));
}

type AddViews = ViewCountRepository["add"];

/** Replaces the write of views until the returned function is called. */
function failing(
  replacement: (addViews: AddViews, ...batch: Parameters<AddViews>) => Promise<void>,
): () => void {
  const addViews = counts.add.bind(counts);
  counts.add = (...batch) => replacement(addViews, ...batch);
  return () => {
    counts.add = addViews;
  };
}

/** Holds writes of views back: `addViews` executes the last one, and `revive` answers it. */
function held(): { addViews: () => Promise<void>; revive: () => void } {
  let write!: () => Promise<void>;
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const restore = failing((addViews, ...batch) => {
    write = () => addViews(...batch);
    return answered;
  });
  return {
    addViews: () => write(),
    revive: () => {
      restore();
      answer();
    },
  };
}
