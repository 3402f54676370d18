// Views that are added to the database together, exactly once.
import type { MediaId } from "../domain/ids.ts";

/**
 * A batch has a name: its writer and number. Each record to which the batch is added keeps that name as a mark. If the
 * result of adding a batch is unknown, the batch is added again: records with its mark do not change.
 */
export class ViewBatch {
  readonly counts = new Map<MediaId, number>();

  /**
   * @param writer the name of the process that counted, see `process-name.ts`
   * @param number higher than the numbers of the writer's earlier batches
   */
  constructor(
    readonly writer: string,
    readonly number: number,
  ) {}

  /** Number of views in the batch. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(id: MediaId): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  /** True if a record with these marks includes this batch: a writer's batches are added in order. */
  isIn(viewBatches: Readonly<Record<string, number>>): boolean {
    return (viewBatches[this.writer] ?? 0) >= this.number;
  }
}
