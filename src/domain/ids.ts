// Ids in URLs, requests and responses: 24 hexadecimal digits, the text form of MongoDB's ObjectId.
import { AppError } from "../errors.ts";

export type UserId = string;
export type MediaId = string;

const objectIdPattern = /^[0-9a-f]{24}$/i;

export function isId(value: string): boolean {
  return objectIdPattern.test(value);
}

/** Returns the id in lower case, its only spelling. @throws BAD_USER_INPUT when the value is not an id */
export function parseId(value: string, what: "user" | "media"): string {
  if (!isId(value)) throw new AppError("BAD_USER_INPUT", `A ${what} id is 24 hexadecimal digits.`);
  return value.toLowerCase();
}
