// Remembers which records bear the name of a batch, and takes the names away again that nobody asks for any more: else
// each record would keep one for each process that ever was. Called by `view-counter.ts`.
import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { ViewBatch } from "./view-batch.ts";

/** Longer than any query takes: whoever read a record before a batch was added wants to know whether it is in it. */
const KEPT_MS = 10_000;

export class BatchMarks {
  /** When each record got its last mark, by writer. */
  readonly #markedAtMs = new Map<string, Map<MediaId, number>>();

  constructor(readonly counts: Pick<ViewCountRepository, "unmark">) {}

  /** The batch is in the records, and its journal is gone: it is never added again. */
  note({ writer, counts }: ViewBatch): void {
    const ofWriter = this.#markedAtMs.get(writer) ?? new Map<MediaId, number>();
    this.#markedAtMs.set(writer, ofWriter);
    for (const id of counts.keys()) ofWriter.set(id, performance.now());
  }

  /** Not while a batch is on its way to the records. What fails is tried again the next time. */
  async remove({ keptMs = KEPT_MS } = {}): Promise<void> {
    const until = performance.now() - keptMs;
    for (const [writer, ofWriter] of this.#markedAtMs) {
      const old = [...ofWriter.keys()].filter((id) => ofWriter.get(id)! <= until);
      if (old.length > 0) await this.counts.unmark(writer, old);
      for (const id of old) ofWriter.delete(id);
      if (ofWriter.size === 0) this.#markedAtMs.delete(writer);
    }
  }
}
