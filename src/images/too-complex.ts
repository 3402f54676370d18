// The error for an image that would take too much time or memory.
import { AppError } from "../errors.ts";

/** @param what the unit of `limit` and `actual`, such as "pixels"; "or more scans" if `actual` is a minimum */
export function tooComplex(what: string, limit: number, actual: number): AppError {
  const [bound, found] = [limit, actual].map((number) => number.toLocaleString("en"));
  const message = `The image has ${found} ${what}; the limit is ${bound}.`;
  return new AppError("IMAGE_TOO_COMPLEX", message, { limit, actual });
}
