// Names that people see: of accounts, and of files.
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { cleanEmail, cleanUsername } from "../../../src/domain/account-names.ts";
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

/** Typed text that takes Unicode's composition minutes: accents that it has to put in another order. */
const tangled = `a${"\u0301".repeat(60_000)}${"\u0316".repeat(60_000)}`;

describe("text of any length", () => {
  it.each<[string, (text: string) => string]>([
    ["a user name", cleanUsername],
    ["an e-mail address", cleanEmail],
  ])("is refused as %s before it is composed", (_what, clean) => {
    const code = (length: number) => {
      try {
        return clean(tangled.slice(0, length));
      } catch (error) {
        return (error as { details: unknown }).details;
      }
    };

    expect(code(1_001)).toEqual({ limit: 1_000, actual: 1_001 });
    expect(code(120_001)).toEqual({ limit: 1_000, actual: 120_001 });
  });

  it("is cut as a file's name before it is composed", () => {
    const composing = vi.spyOn(String.prototype, "normalize");
    onTestFinished(() => composing.mockRestore());

    expect(Buffer.byteLength(cleanOriginalFilename(tangled))).toBeLessThanOrEqual(255);
    expect(composing.mock.contexts.map((text) => String(text).length)).toEqual([383]); // 765 bytes.
  });
});

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
