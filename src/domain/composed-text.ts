// Converts typed text to one spelling, so that names can be compared: an "é" may be one character or two.
import { AppError } from "../errors.ts";

/** UTF-16 code units. No name is this long. */
const MAX_TYPED_LENGTH = 1_000;

/**
 * Returns the text in normalization form C, without spaces around it. Normalizing takes time that grows with the
 * square of the number of accents in a row, a second for 60,000. Text that is too long is therefore refused first.
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
