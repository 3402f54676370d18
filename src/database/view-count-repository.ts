// Reads the view counts of media and adds to them.
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

  /** View counts, also of media that were just hidden: a response with such a picture still needs its count. */
  async findMany(ids: readonly MediaId[]): Promise<ViewCount[]> {
    const fields = { view_count: 1, view_batches: 1 };
    const records = await querying(() =>
      this.#media.find({ _id: { $in: ids } }, fields).lean<MediaRecord[]>(),
    );
    return records.map(toViewCount);
  }

  /**
   * Adds a batch of views to the counts of the records. Adding the same batch again changes nothing until `unmark`. A
   * count that is not a number is first reset to 0.
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
      for (const repair of repairs) await this.#update([...counts.keys()], (id) => repair(id));
      await this.#update([...counts.keys()], toUpdate);
    }
  }

  /** Removes the writer's marks. The writer's earlier batches must not be added to these records again. */
  async unmark(writer: string, ids: readonly MediaId[]): Promise<void> {
    const update = { $unset: { [markOf(writer)]: 1 } };
    await this.#update(ids, (id) => ({ filter: { _id: id }, update }));
  }

  /** Splits the updates into several commands: a single one might time out, and would delay other operations. */
  async #update(ids: readonly MediaId[], toUpdate: (id: MediaId) => Update): Promise<void> {
    // A command may lock records until it ends. Updating them in the same order everywhere avoids deadlocks.
    const inOrder = ids.toSorted();
    for (let start = 0; start < inOrder.length; start += MAX_WRITES_PER_COMMAND) {
      const some = inOrder.slice(start, start + MAX_WRITES_PER_COMMAND);
      const writes = some.map((id) => ({ updateOne: toUpdate(id) }));
      await querying(() => this.#media.bulkWrite(writes, { ordered: false }));
    }
  }
}

/** Updates that repair values of the wrong type, which other programs may have written. */
const repairs: ((id: MediaId) => Update)[] = [
  (id) => ({
    filter: { _id: id, view_count: { $exists: true, $not: { $type: "number" } } },
    update: { $set: { view_count: 0 } },
  }),
  (id) => ({
    filter: { _id: id, view_batches: { $exists: true, $not: { $type: "object" } } },
    update: { $unset: { view_batches: 1 } },
  }),
];

/** The field with the number of a writer's last batch. A writer's name has only letters, digits and hyphens. */
function markOf(writer: string): string {
  return `view_batches.${writer}`;
}
