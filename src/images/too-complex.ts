// The error for an image that would take too much time or memory.
import { AppError } from "../errors.ts";

/** @param what the unit of `limit` and `actual`, such as "pixels" or "frames" */
export function tooComplex(what: string, limit: number, actual: number): AppError {
  const [bound, found] = [limit, actual].map((number) => number.toLocaleString("en"));
  const message = `The image comes to ${found} ${what}; up to ${bound} are accepted.`;
  return new AppError("IMAGE_TOO_COMPLEX", message, { limit, actual });
}
