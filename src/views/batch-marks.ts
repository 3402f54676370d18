// Remembers which records have the mark of a batch, and removes marks that are no longer needed. Otherwise each record
// would keep a mark of every process that has ever counted its views.
import type { ViewCountRepository } from "../database/view-count-repository.ts";
import type { MediaId } from "../domain/ids.ts";
import type { ViewBatch } from "./view-batch.ts";

/** Longer than any query takes. A reader needs the mark to tell whether its record includes a batch just added. */
const KEPT_MS = 10_000;

export class BatchMarks {
  /** When each record got its last mark, by writer. */
  readonly #markedAtMs = new Map<string, Map<MediaId, number>>();

  constructor(readonly counts: Pick<ViewCountRepository, "unmark">) {}

  /** Notes the marks of a batch that is in the records and whose journal is gone, so that it is never added again. */
  note({ writer, counts }: ViewBatch): void {
    const ofWriter = this.#markedAtMs.get(writer) ?? new Map<MediaId, number>();
    this.#markedAtMs.set(writer, ofWriter);
    for (const id of counts.keys()) ofWriter.set(id, performance.now());
  }

  /**
   * Removes marks that are at least `keptMs` old. The next call retries those that cannot be removed. Do not call this
   * while a batch is on its way to the records.
   */
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
