// Views that go to the database together, once. Used by the other files of this folder.
import type { MediaId } from "../domain/ids.ts";

/**
 * A batch has a name, and each record that it is added to bears the name: so a batch that is added again, because nobody
 * knows whether the first time succeeded, changes nothing.
 */
export class ViewBatch {
  readonly counts = new Map<MediaId, number>();

  /**
   * @param writer the process that counted, see `process-name.ts`
   * @param number of the batch: higher than those of its writer before
   */
  constructor(
    readonly writer: string,
    readonly number: number,
  ) {}

  /** All views of the batch. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(id: MediaId): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  /** Whether a record that bears these names has this batch already: a writer's batches come in order. */
  isIn(viewBatches: Readonly<Record<string, number>>): boolean {
    return (viewBatches[this.writer] ?? 0) >= this.number;
  }
}
