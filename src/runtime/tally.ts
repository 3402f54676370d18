// Counts things by owner. An owner whose count is 0 takes no memory.

export class Tally<Owner> {
  readonly #counts = new Map<Owner, number>();

  get(owner: Owner): number {
    return this.#counts.get(owner) ?? 0;
  }

  /** @param count the number to add; negative to subtract */
  add(owner: Owner, count: number): void {
    const sum = this.get(owner) + count;
    if (sum === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, sum);
  }
}
