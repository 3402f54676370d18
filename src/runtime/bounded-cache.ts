// Keeps what was asked for lately, within a bound on how much that is. Used by `services/known-media.ts`,
// `storage/hot-bytes.ts` and others.
//
// Second chance, which is nearly as good as least recently used and costs nothing when something is found: what was
// asked for since it was last looked at stays when room is needed.

interface Entry<Value> {
  value: Value;
  weight: number;
  wasAskedFor: boolean;
}

export class BoundedCache<Key, Value> {
  /** In the order in which they are looked at when room is needed. */
  readonly #entries = new Map<Key, Entry<Value>>();
  #weight = 0;
  #hitCount = 0;
  #missCount = 0;

  /** @param onGivenUp called with each key for which there was no more room */
  constructor(
    readonly maxWeight: number,
    readonly onGivenUp: (key: Key) => void = () => {},
  ) {}

  get state(): { count: number; weight: number; hits: number; misses: number } {
    return {
      count: this.#entries.size,
      weight: this.#weight,
      hits: this.#hitCount,
      misses: this.#missCount,
    };
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) {
      this.#missCount += 1;
      return undefined;
    }
    this.#hitCount += 1;
    entry.wasAskedFor = true;
    return entry.value;
  }

  /** What is heavier than the bound is not kept. */
  set(key: Key, value: Value, weight = 1): void {
    this.delete(key);
    if (weight > this.maxWeight) return this.onGivenUp(key);
    this.#entries.set(key, { value, weight, wasAskedFor: false });
    this.#weight += weight;
    this.#makeRoom();
  }

  weightOf(key: Key): number | undefined {
    return this.#entries.get(key)?.weight;
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  keys(): Key[] {
    return [...this.#entries.keys()];
  }

  values(): Value[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= this.maxWeight) return;
      this.#entries.delete(key);
      if (entry.wasAskedFor) {
        entry.wasAskedFor = false;
        this.#entries.set(key, entry); // The walk comes to it again, behind all others.
      } else {
        this.#weight -= entry.weight;
        this.onGivenUp(key);
      }
    }
  }
}
