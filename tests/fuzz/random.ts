// Makes random choices that a seed repeats, so that a finding can be replayed by its run number.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Source: the generator mulberry32. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Returns an integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return bound <= 0 ? 0 : this.#next() % bound;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }

  /** Returns a boundary value that programs often get wrong. */
  awkward(): number {
    return this.pick([
      0,
      1,
      2,
      7,
      8,
      127,
      128,
      255,
      256,
      32_767,
      65_535,
      65_536,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
    ]);
  }
}
