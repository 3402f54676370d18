// Memory for bytes that are read, sent and forgotten. Used by `local-storage.ts`.
//
// A buffer of its own for each of some thousand reads a second keeps the garbage collector at work: V8 looks through
// the whole heap again for every few tens of megabytes outside it, however few objects hold them.

export interface Slab {
  /** What stands in it is what was read before. */
  memory: Buffer;
  /**
   * Says that nobody looks into it any more. Where that is not sure, `isDone` is false, and nothing is ever read into
   * it again. What is said again changes nothing.
   */
  giveBack(isDone: boolean): void;
}

export class Slabs {
  readonly #idle: Buffer[] = [];
  #count = 0;

  /** @param maxCount of those that are kept for the next one, and taken */
  constructor(
    readonly slabBytes: number,
    readonly maxCount: number,
  ) {}

  /** Nobody else's until it is given back; undefined when all are taken. */
  take(): Slab | undefined {
    if (this.#idle.length === 0 && this.#count === this.maxCount) return undefined;
    const memory = this.#idle.pop() ?? this.#make();
    let isTaken = true;
    const giveBack = (isDone: boolean) => {
      if (!isTaken) return;
      isTaken = false;
      if (isDone) this.#idle.push(memory);
      else this.#count -= 1;
    };
    return { memory, giveBack };
  }

  #make(): Buffer {
    this.#count += 1;
    return Buffer.allocUnsafeSlow(this.slabBytes);
  }
}
