// Rules for user names and e-mail addresses of new accounts. Records that LetsApp wrote are accepted as they are.
import { AppError } from "../errors.ts";
import { composeText } from "./composed-text.ts";
import { invisibleCharacters } from "./invisible-text.ts";

const MIN_USERNAME_CHARACTERS = 2;
const MAX_USERNAME_CHARACTERS = 64;
const MAX_EMAIL_CHARACTERS = 254;

/** Matches a character that a reader can see. */
const somethingVisible = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;

/** Requires one "@", no space, and a dot in the domain. Only a message sent to the address would prove more. */
const emailPattern = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+\.[^\s@.\p{Cc}]+$/u;

/** Returns the name as it is stored. @throws BAD_USER_INPUT */
export function cleanUsername(given: string): string {
  const username = composeText(given, "The user name");
  const count = [...username].length;
  if (count < MIN_USERNAME_CHARACTERS || count > MAX_USERNAME_CHARACTERS) {
    throw new AppError(
      "BAD_USER_INPUT",
      `A user name has ${MIN_USERNAME_CHARACTERS} to ${MAX_USERNAME_CHARACTERS} characters; this one has ${count}.`,
      { limit: MAX_USERNAME_CHARACTERS, actual: count },
    );
  }
  // A name with "@" would look like an e-mail address, and users can also sign in with their address.
  if (username.includes("@") || invisibleCharacters.test(username) || !somethingVisible.test(username)) {
    throw new AppError(
      "BAD_USER_INPUT",
      "A user name must contain a letter, a digit or an emoji, but no @ and no invisible characters.",
    );
  }
  return username;
}

/** Returns the address as it is stored, in lower case. @throws BAD_USER_INPUT */
export function cleanEmail(given: string): string {
  const email = composeText(given, "The e-mail address").toLowerCase();
  if (email.length > MAX_EMAIL_CHARACTERS || !emailPattern.test(email) || invisibleCharacters.test(email)) {
    throw new AppError("BAD_USER_INPUT", "This is not an e-mail address.");
  }
  return email;
}
