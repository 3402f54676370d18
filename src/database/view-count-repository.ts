// How often pictures were viewed. Called by `views/view-counter.ts`, which adds, and `services/media-service.ts`.
import { mongo, type AnyBulkWriteOperation, type Connection, type Model } from "mongoose";

import type { MediaId } from "../domain/ids.ts";
import type { ViewCount } from "../domain/media.ts";
import { querying } from "./errors.ts";
import { mediaModel, toViewCount, type MediaRecord } from "./media.model.ts";

const MAX_WRITES_PER_COMMAND = 1000;

type Update = Extract<AnyBulkWriteOperation, { updateOne: unknown }>["updateOne"];

export class ViewCountRepository {
  readonly #media: Model<MediaRecord>;

  constructor(connection: Connection) {
    this.#media = mediaModel(connection);
  }

  /** Of pictures that could be seen a moment ago: whoever is shown one that is deleted meanwhile is shown its count. */
  async findMany(ids: readonly MediaId[]): Promise<ViewCount[]> {
    const fields = { view_count: 1, view_batches: 1 };
    const records = await querying(() =>
      this.#media.find({ _id: { $in: ids } }, fields).lean<MediaRecord[]>(),
    );
    return records.map(toViewCount);
  }

  /**
   * Adds a batch of views to the records' counts. One that is added again changes nothing, until it is unmarked. Where a
   * record has something else in place of its count, it begins anew.
   */
  async add(
    counts: ReadonlyMap<MediaId, number>,
    { writer, number }: { writer: string; number: number },
  ): Promise<void> {
    const mark = markOf(writer);
    const toUpdate = (id: MediaId): Update => ({
      filter: { _id: id, $nor: [{ [mark]: { $gte: number } }] },
      update: { $inc: { view_count: counts.get(id)! }, $set: { [mark]: number } },
    });
    try {
      await this.#update([...counts.keys()], toUpdate);
    } catch (error) {
      if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
      for (const damage of damages) await this.#update([...counts.keys()], (id) => damage(id));
      await this.#update([...counts.keys()], toUpdate);
    }
  }

  /** The writer's batches are never added again to these. */
  async unmark(writer: string, ids: readonly MediaId[]): Promise<void> {
    const update = { $unset: { [markOf(writer)]: 1 } };
    await this.#update(ids, (id) => ({ filter: { _id: id }, update }));
  }

  /** All at once may be more than a command has time for, and would hold up all others. */
  async #update(ids: readonly MediaId[], toUpdate: (id: MediaId) => Update): Promise<void> {
    // Where a command locks what it has updated until it ends, two that go the same way do not wait for each other.
    const inOrder = ids.toSorted();
    for (let start = 0; start < inOrder.length; start += MAX_WRITES_PER_COMMAND) {
      const some = inOrder.slice(start, start + MAX_WRITES_PER_COMMAND);
      const writes = some.map((id) => ({ updateOne: toUpdate(id) }));
      await querying(() => this.#media.bulkWrite(writes, { ordered: false }));
    }
  }
}

/** What other programs may have left, and what is put in its place. */
const damages: ((id: MediaId) => Update)[] = [
  (id) => ({
    filter: { _id: id, view_count: { $exists: true, $not: { $type: "number" } } },
    update: { $set: { view_count: 0 } },
  }),
  (id) => ({
    filter: { _id: id, view_batches: { $exists: true, $not: { $type: "object" } } },
    update: { $unset: { view_batches: 1 } },
  }),
];

/** The field that has the number of a writer's last batch: its name has letters, digits and hyphens. */
function markOf(writer: string): string {
  return `view_batches.${writer}`;
}
