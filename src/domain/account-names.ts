// What a user name and an e-mail address may be. Called when an account is made; records of LetsApp's are taken
// as they are.
import { AppError } from "../errors.ts";
import { composeText } from "./composed-text.ts";
import { invisibleCharacters } from "./invisible-text.ts";

const MIN_USERNAME_CHARACTERS = 2;
const MAX_USERNAME_CHARACTERS = 64;
const MAX_EMAIL_CHARACTERS = 254;

/** Something to see; and a "@" would make it look like an address, with which one may sign in as well. */
const somethingVisible = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;

/** One "@", no space, and a dot in the domain: only a message sent there proves more. */
const emailPattern = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+\.[^\s@.\p{Cc}]+$/u;

/** The name as it is stored. @throws BAD_USER_INPUT */
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
  if (username.includes("@") || invisibleCharacters.test(username) || !somethingVisible.test(username)) {
    throw new AppError(
      "BAD_USER_INPUT",
      "A user name has letters, digits or emoji in it, no @ and nothing invisible.",
    );
  }
  return username;
}

/** The address as it is stored, in lower case. @throws BAD_USER_INPUT */
export function cleanEmail(given: string): string {
  const email = composeText(given, "The e-mail address").toLowerCase();
  if (email.length > MAX_EMAIL_CHARACTERS || !emailPattern.test(email) || invisibleCharacters.test(email)) {
    throw new AppError("BAD_USER_INPUT", "This is not an e-mail address.");
  }
  return email;
}
