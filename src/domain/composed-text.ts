// Text that somebody typed, in one spelling: an "é" may be one character or two. Called before names are compared or kept.
import { AppError } from "../errors.ts";

/** Far longer than any name. */
const MAX_TYPED_LENGTH = 1_000;

/**
 * Normalization form C of the text without spaces around it. The time that this takes grows with the square of the number
 * of accents in a row: a second for 60,000, so longer text is refused first.
 *
 * @throws BAD_USER_INPUT above 1,000 UTF-16 code units
 */
export function composeText(typed: string, what: string): string {
  if (typed.length > MAX_TYPED_LENGTH) {
    throw new AppError("BAD_USER_INPUT", `${what} is far too long.`, {
      limit: MAX_TYPED_LENGTH,
      actual: typed.length,
    });
  }
  return typed.trim().normalize("NFC");
}
