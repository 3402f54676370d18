// Ids as they travel: 24 hexadecimal digits, MongoDB's ObjectId in text form.
import { AppError } from "../errors.ts";

export type UserId = string;
export type MediaId = string;

const objectIdPattern = /^[0-9a-f]{24}$/i;

export function isId(value: string): boolean {
  return objectIdPattern.test(value);
}

/** The id in its one spelling, lower case. @throws BAD_USER_INPUT when it is none */
export function parseId(value: string, what: "user" | "media"): string {
  if (!isId(value)) throw new AppError("BAD_USER_INPUT", `A ${what} id is 24 hexadecimal digits.`);
  return value.toLowerCase();
}
