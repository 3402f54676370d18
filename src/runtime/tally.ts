// Counts things by their owner, and keeps nothing of an owner who has none.

export class Tally<Owner> {
  readonly #counts = new Map<Owner, number>();

  get(owner: Owner): number {
    return this.#counts.get(owner) ?? 0;
  }

  /** @param count how many more; fewer where it is negative */
  add(owner: Owner, count: number): void {
    const sum = this.get(owner) + count;
    if (sum === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, sum);
  }
}
