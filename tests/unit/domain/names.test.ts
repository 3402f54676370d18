// Names that people see: of accounts, and of files.
import { describe, expect, it } from "vitest";

import { cleanUsername } from "../../../src/domain/account-names.ts";
import { cleanOriginalFilename } from "../../../src/domain/original-filename.ts";
import { inlineDisposition } from "../../../src/rest/content-disposition.ts";

/** All characters that programs may leave out when they draw text. */
const ignorable = Array.from({ length: 0x11_0000 }, (_, code) => code)
  .filter(
    (code) =>
      (code < 0xd800 || code > 0xdfff) &&
      /\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(code)),
  )
  .map((code) => String.fromCodePoint(code));

function isAccepted(name: string): boolean {
  try {
    return cleanUsername(name) !== "";
  } catch {
    return false;
  }
}

describe("a user name", () => {
  it("has nothing invisible in front, behind, or beside a digit", () => {
    const accepted = ignorable.filter((character) =>
      [`${character}ada`, `ada${character}`, `ada1${character}2`, `a${character} b`].some(isAccepted),
    );

    expect(ignorable.length).toBeGreaterThan(4_000);
    // A digit with a variation selector is the first half of a keycap; a byte order mark at an end is cut off like a space.
    expect(accepted).toEqual(["\ufe0f", "\ufeff"]);
  });

  it("is never made of invisible letters alone", () => {
    expect(ignorable.filter((character) => isAccepted(character.repeat(3)))).toEqual([]);
  });

  it.each([
    "علی\u200cرضا",
    "👩\u200d💻 Ada",
    "❤\ufe0f Ada",
    "🏳\ufe0f\u200d🌈",
    "क\u094d\u200dष",
    "Zoë",
    "李 明",
  ])("may have what its script or emoji needs: %s", (name) => {
    expect(isAccepted(name)).toBe(true);
  });
});

describe("the name of a file", () => {
  it.each(["😀", "é", "a", "漢"])(
    "has up to 255 bytes, however its characters are coded: %s",
    (character) => {
      const name = cleanOriginalFilename(`${character.repeat(300)}.jpg`);

      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(Buffer.byteLength(name)).toBeGreaterThan(255 - Buffer.byteLength(character));
    },
  );

  it("fits into the headers that proxies take, also where a record has a longer one", () => {
    expect(inlineDisposition("😀".repeat(2_000), ".jpg").length).toBeLessThan(1_200);
  });
});
