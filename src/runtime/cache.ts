// A bounded LRU cache with single flight. Each cache of the service is an instance of it.
import { LRUCache } from "lru-cache";

export interface CacheOptions<Key, Value> {
  /** Bound on the sum of all weights, or on the number of values if `weightOf` is not given. */
  maxWeight: number;
  /** Returns a positive integer. */
  weightOf?: (value: Value) => number;
  /** Values older than this are loaded again. The age counts from the start of the load. */
  maxAgeMs?: number;
  /** A load that has taken longer than this is not shared with new callers. Default: `maxAgeMs`. */
  maxLoadMs?: number;
  /** Decides whether a loaded value is stored. Default: all values except null. */
  shouldStore?: (value: Value, key: Key) => boolean;
  /** Called with each key whose value is too heavy to be stored, or was evicted for another value. */
  onEvict?: (key: Key) => void;
}

export interface CacheState {
  count: number;
  weight: number;
  hits: number;
  misses: number;
}

interface Load<Value> {
  value: Promise<Value>;
  startedAtMs: number;
}

/** Runs one load of a key at a time, shared by all callers. Never stores a value that was deleted during the load. */
export class Cache<Key extends string, Value> {
  readonly #stored: LRUCache<Key, { value: Value }>;
  readonly #loads = new Map<Key, Load<Value>>();
  /** For each `loadMany` under way: the keys that were deleted since it began; null when all were deleted. */
  readonly #batches = new Set<{ deleted: Set<Key> | null }>();
  readonly #maxWeight: number;
  readonly #weightOf: (value: Value) => number;
  readonly #maxLoadMs: number;
  readonly #shouldStore: (value: Value, key: Key) => boolean;
  readonly #onEvict: (key: Key) => void;
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions<Key, Value>) {
    const { maxWeight, weightOf, maxAgeMs, maxLoadMs = maxAgeMs ?? Infinity } = options;
    this.#maxWeight = maxWeight;
    this.#weightOf = weightOf ?? (() => 1);
    this.#maxLoadMs = maxLoadMs;
    this.#shouldStore = options.shouldStore ?? ((value) => value !== null);
    this.#onEvict = options.onEvict ?? (() => {});
    const bound = Math.max(maxWeight, 1); // lru-cache takes 0 for "no bound".
    this.#stored = new LRUCache({
      ...(weightOf ? { maxSize: bound } : { max: bound }),
      ...(maxAgeMs !== undefined && { ttl: maxAgeMs }),
      dispose: (_entry, key, reason) => {
        if (reason === "evict") this.#onEvict(key);
      },
    });
  }

  get state(): CacheState {
    const count = this.#stored.size;
    return { count, weight: this.#stored.calculatedSize || count, hits: this.#hits, misses: this.#misses };
  }

  /** The stored value; undefined on a cache miss. */
  get(key: Key): Value | undefined {
    const entry = this.#stored.get(key);
    if (entry === undefined) this.#misses += 1;
    else this.#hits += 1;
    return entry?.value;
  }

  /** Stores a value without calling `shouldStore`. A value that is heavier than the bound is evicted at once. */
  set(key: Key, value: Value, startedAtMs = performance.now()): void {
    const weight = this.#weightOf(value);
    if (weight > this.#maxWeight) {
      this.#stored.delete(key);
      return this.#onEvict(key);
    }
    // lru-cache rejects a size if only the number of values is bounded.
    const size = this.#stored.maxSize > 0 ? { size: weight } : {};
    this.#stored.set(copyOf(key), { value }, { ...size, start: startedAtMs });
  }

  /** Returns the stored value. On a cache miss, runs `load` as `reload` does. @throws what `load` throws */
  async load(key: Key, load: () => Promise<Value>): Promise<Value> {
    const stored = this.get(key);
    return stored === undefined ? this.reload(key, load) : stored;
  }

  /** Runs `load` even if a value is stored. Concurrent callers share one run per key. @throws what `load` throws */
  async reload(key: Key, load: () => Promise<Value>): Promise<Value> {
    const startedAtMs = performance.now();
    const underWay = this.#loads.get(key);
    if (underWay && startedAtMs - underWay.startedAtMs < this.#maxLoadMs) return underWay.value;
    const own: Load<Value> = { value: load(), startedAtMs };
    this.#loads.set(key, own);
    try {
      const value = await own.value;
      if (this.#loads.get(key) === own && this.#shouldStore(value, key)) this.set(key, value, startedAtMs);
      return value;
    } finally {
      if (this.#loads.get(key) === own) this.#loads.delete(key);
    }
  }

  /** Loads values, also those that are stored, and stores the results. @throws what `load` throws */
  async loadMany<Loaded extends Value>(
    load: () => Promise<Loaded[]>,
    keyOf: (value: Loaded) => Key,
  ): Promise<Loaded[]> {
    const startedAtMs = performance.now();
    const batch = { deleted: new Set<Key>() as Set<Key> | null };
    this.#batches.add(batch);
    try {
      const values = await load();
      for (const value of values) {
        const key = keyOf(value);
        const isCurrent = batch.deleted !== null && !batch.deleted.has(key);
        if (isCurrent && this.#shouldStore(value, key)) this.set(key, value, startedAtMs);
      }
      return values;
    } finally {
      this.#batches.delete(batch);
    }
  }

  /** Deletes a value. A load of it that is under way is not stored, and not shared with later callers. */
  delete(key: Key): void {
    this.#stored.delete(key);
    this.#loads.delete(key);
    for (const batch of this.#batches) batch.deleted?.add(key);
  }

  /** Deletes every stored value that fulfils the condition. Loads that are under way are not stored. */
  deleteWhere(condition: (value: Value) => boolean): void {
    const entries = [...this.#stored]; // lru-cache cannot delete while it iterates.
    for (const [key, { value }] of entries) if (condition(value)) this.#stored.delete(key);
    this.#forgetLoads();
  }

  clear(): void {
    this.#stored.clear();
    this.#forgetLoads();
  }

  /** Keys of the stored values. */
  keys(): Key[] {
    return [...this.#stored.keys()];
  }

  #forgetLoads(): void {
    this.#loads.clear();
    for (const batch of this.#batches) batch.deleted = null;
  }
}

/** A part of a string keeps the whole string in memory: an id keeps the URL from which it was read. */
function copyOf<Key extends string>(key: Key): Key {
  return Buffer.from(key).toString() as Key;
}
