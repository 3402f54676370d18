// Reusable memory for bytes that are read, sent and dropped.
//
// Allocating a new buffer for each of several thousand reads a second keeps the garbage collector busy. The bytes of a
// buffer are outside of V8's heap, and V8 scans the whole heap after every few tens of megabytes of such bytes.

export interface Slab {
  /** Not cleared: contains the bytes of earlier reads. */
  memory: Buffer;
  /**
   * Ends the use of the memory, so that a later read reuses it. If the bytes may still be in use, as after a failure,
   * `isDone` is false and the memory is never reused. A second call has no effect.
   */
  giveBack(isDone: boolean): void;
}

export class Slabs {
  readonly #idle: Buffer[] = [];
  #count = 0;

  /** @param maxCount maximum number of slabs, idle and taken together */
  constructor(
    readonly slabBytes: number,
    readonly maxCount: number,
  ) {}

  /** Returns a slab for exclusive use until it is given back; undefined when all are taken. */
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
