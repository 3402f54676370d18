// That each view is counted, and counted once, whatever happens between its answer and its record.
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

/** What a process left that was killed: a journal of so many views of the picture. */
async function givenAbandoned(batch: string, viewCount: number, tail = ""): Promise<string> {
  const folder = path.join(journalFolder, batch.split(".")[0]!);
  const file = path.join(folder, `${batch}.views`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, Buffer.from(mediaId.repeat(viewCount) + tail, "hex"));
  return file;
}

/** The process that comes next: it counts with the same records and the same journal. */
function nextCounter(isShared = false): ViewCounter {
  return new ViewCounter(counts, new ViewJournal(journalFolder, isShared, log()), 2_000, log());
}

describe("a count", () => {
  const deletePicture = () => app.graphql(DELETE, {}, token);
  const meanwhile = async (act: () => Promise<unknown>) => {
    const { findMany } = counts;
    vi.spyOn(counts, "findMany").mockImplementation(async (ids) => {
      await act();
      return findMany.call(counts, ids);
    });
  };

  it("is shown with a picture that is deleted while the answer is made", async () => {
    for (let i = 0; i < 3; i++) await view();
    await meanwhile(deletePicture);

    expect(await shownCount()).toBe(3);
  });

  it("is not made up for a picture whose record goes while the answer is made", async () => {
    await view();
    await meanwhile(() => app.mediaCollection.deleteMany({}));

    const { data, errors } = await app.graphql(`{ media(id: "${mediaId}") { viewCount } }`, {}, token);

    expect(data).toEqual({ media: null });
    expect(errors![0]!.extensions.code).toBe("MEDIA_NOT_FOUND");
  });
});

describe("a view", () => {
  it("is in the journal when its answer has come, and in the record alone after the flush", async () => {
    await view();
    const files = await journalFiles();
    await app.app.views.flush();

    expect(files).toHaveLength(1);
    expect(await journalFiles()).toEqual([]);
    expect(await recordedCount()).toBe(1);
  });

  it("stays pending while the database cannot be reached, and one batch waits, not one for each try", async () => {
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

  it("is counted once when the database has added it and could not say so", async () => {
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

  it("is counted once by the next process where the database could not say so before this one stopped", async () => {
    const first = nextCounter();
    await first.start();
    await first.count(mediaId);
    await first.flush(); // So that the record bears a name already.
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

  it("is counted once where this process stood still for so long that another one has taken its views over", async () => {
    const [slow, other] = [nextCounter(true), nextCounter()];
    await slow.start();
    for (let i = 0; i < 5; i++) await slow.count(mediaId);
    await other.start(); // For which no process is alive but itself.
    await other.close();

    await slow.close();

    expect(await recordedCount()).toBe(5);
  });

  it("is counted once where its journal could not be removed at first", async () => {
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

  it("is left to the next process by one that stops while the database does not answer", async () => {
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
    ["no count", { view_count: null }],
    ["a count that is a text", { view_count: "12" }],
    ["no names of batches", { view_batches: null }],
    ["a list of batches", { view_batches: [] }],
  ])(
    "is counted where another program has left %s, and so are those of other pictures",
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

  it("is counted when it cannot be journalled", async () => {
    await rm(journalFolder, { recursive: true, force: true });
    await writeFile(journalFolder, "a file where a folder should be");

    const response = await app.picture(mediaId);
    await response.arrayBuffer();
    await app.app.views.flush();

    expect(response.status).toBe(200);
    expect(await recordedCount()).toBe(1);
  });

  it("is shown once by whoever reads while it goes to the record", async () => {
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

describe("what a killed process has left", () => {
  it("is shown at once by the next one, and flushed with its own", async () => {
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

  it("is counted once where its last batch had reached the record", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await counts.add(new Map([[mediaId, 3]]), { writer: "dead-1-a", number: 1 });
    const next = nextCounter();
    await next.start();

    await next.count(mediaId);
    await next.close();

    expect(await recordedCount()).toBe(4);
  });

  it("is counted once where its last batch had reached the record, and others have added theirs since", async () => {
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

  it("leaves no names of its batches behind, but for a moment", async () => {
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

  it("is read up to where it was killed while it wrote", async () => {
    await givenAbandoned("dead-1-a.1", 2, "abcdef");
    await givenAbandoned("dead-1-a.2", 0);
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(2);
    expect(await journalFiles()).toEqual([]);
  });

  it("is counted once where its first batch could not be removed and its second had reached the record", async () => {
    await givenAbandoned("dead-1-a.1", 3);
    await counts.add(new Map([[mediaId, 3]]), { writer: "dead-1-a", number: 1 });
    await counts.add(new Map([[mediaId, 4]]), { writer: "dead-1-a", number: 2 });
    const next = nextCounter();
    await next.start();

    await next.close();

    expect(await recordedCount()).toBe(7);
  });

  it("is taken over beside things that are no journals, which stay where they are", async () => {
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
    "is counted once by a chain of processes, each of which is killed while it flushes: seed %i",
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

  it("may be of more pictures than one command can add", async () => {
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
  it("leave each other's journals alone while they live, and take over from one that does not", async () => {
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

  it("take over from one on another machine when nothing has been heard of it for long, by their own clock", async () => {
    const living = await givenAbandoned("othermachine-1-a.1", 2);
    await givenAbandoned("othermachine-2-b.1", 3);
    const next = nextCounter(true);
    await next.start();
    const atOnce = next.totals.pending;
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 61_000);
    await utimes(path.dirname(living), new Date(1), new Date(1)); // It was touched, whatever its clock says.

    await next.adopt();
    await next.close();

    expect(atOnce).toBe(0);
    expect(await recordedCount()).toBe(3);
    expect(await journalFiles()).toEqual([path.relative(journalFolder, living)]);
  });

  it("look for the same journals at the same time, and one gets each", async () => {
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

/** Nothing that a counter does is done any more from a random point on: before or after a batch, or its removal. */
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

/** Replaces the write of views until `revive` is called. */
function failing(
  replacement: (addViews: AddViews, ...batch: Parameters<AddViews>) => Promise<void>,
): () => void {
  const addViews = counts.add.bind(counts);
  counts.add = (...batch) => replacement(addViews, ...batch);
  return () => {
    counts.add = addViews;
  };
}

/** The next write of views happens when the test says so, and is answered when it says so. */
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
