// Bounds how many bytes the work of one kind holds at once, however slowly they come. Used by
// `services/picture-intake.ts`.
import { tooMany } from "./work-queue.ts";

/** Says that so many bytes more are held from now on. @throws OVERLOADED when that would be too many */
export type TakeBytes = (bytes: number) => void;

export class ByteBudget {
  #heldBytes = 0;

  /** @param what holds the bytes, for the error: "Too many <what>." */
  constructor(
    readonly what: string,
    readonly maxBytes: number,
  ) {}

  /** Does `work`, which says what it comes to hold. At its end it holds nothing any more. */
  async hold<Result>(work: (take: TakeBytes) => Promise<Result>): Promise<Result> {
    let ownBytes = 0;
    let isOver = false;
    const take = (bytes: number) => {
      if (isOver || this.#heldBytes + bytes > this.maxBytes) throw tooMany(this.what);
      this.#heldBytes += bytes;
      ownBytes += bytes;
    };
    try {
      return await work(take);
    } finally {
      isOver = true;
      this.#heldBytes -= ownBytes;
    }
  }
}
