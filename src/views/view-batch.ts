// Views that go to the database together, once. Used by the other files of this folder.
import type { MediaId } from "../domain/ids.ts";

/**
 * A batch has a name, and each record that it is added to remembers the name: so a batch that is added again, because
 * nobody knows whether the first time succeeded, changes nothing.
 */
export class ViewBatch {
  readonly counts = new Map<MediaId, number>();

  /**
   * @param writer the process that counted, see `view-journal.ts`
   * @param number of the batch among those of its writer, in their order
   */
  constructor(
    readonly writer: string,
    readonly number: number,
  ) {}

  get name(): string {
    return `${this.writer}.${this.number}`;
  }

  /** All views of the batch. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(id: MediaId): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  /** Whether a record to which `lastName` was added last has this batch already: a writer's batches come in order. */
  isIn(lastName: string | null): boolean {
    const last = lastName === null ? null : parseBatchName(lastName);
    return last !== null && last.writer === this.writer && last.number >= this.number;
  }
}

export function parseBatchName(name: string): { writer: string; number: number } | null {
  const [, writer, number] = /^([\w-]+)\.(\d+)$/.exec(name) ?? [];
  return writer === undefined ? null : { writer, number: Number(number) };
}
