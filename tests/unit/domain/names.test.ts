// Checks the names that users see: user names and file names.
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { cleanEmail, cleanUsername } from "../../../src/domain/account-names.ts";
import { cleanOriginalFilename } from "../../../src/domain/original-filename.ts";
import { inlineDisposition } from "../../../src/rest/content-disposition.ts";

/** All characters that programs may omit when they draw text. */
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

/** A text that takes Unicode normalization minutes, because it has to reorder 120,000 accents. */
const tangled = `a${"\u0301".repeat(60_000)}${"\u0316".repeat(60_000)}`;

describe("overlong text", () => {
  it.each<[string, (text: string) => string]>([
    ["a user name", cleanUsername],
    ["an e-mail address", cleanEmail],
  ])("is refused as %s before it is normalized", (_what, clean) => {
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

  it("is truncated as a file name before it is normalized", () => {
    const composing = vi.spyOn(String.prototype, "normalize");
    onTestFinished(() => composing.mockRestore());

    expect(Buffer.byteLength(cleanOriginalFilename(tangled))).toBeLessThanOrEqual(255);
    expect(composing.mock.contexts.map((text) => String(text).length)).toEqual([383]); // 383 code units are 765 bytes.
  });
});

describe("a user name", () => {
  it("is refused with an invisible character at an end, between digits or before a space", () => {
    const accepted = ignorable.filter((character) =>
      [`${character}ada`, `ada${character}`, `ada1${character}2`, `a${character} b`].some(isAccepted),
    );

    expect(ignorable.length).toBeGreaterThan(4_000);
    // A digit with a variation selector is the first half of a keycap. A byte order mark at an end is trimmed.
    expect(accepted).toEqual(["\ufe0f", "\ufeff"]);
  });

  it("is refused when it has only invisible characters", () => {
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
  ])("may have the characters that its script or emoji needs: %s", (name) => {
    expect(isAccepted(name)).toBe(true);
  });
});

describe("a file name", () => {
  it.each(["😀", "é", "a", "漢"])(
    "is truncated to at most 255 bytes, and only between characters: %s",
    (character) => {
      const name = cleanOriginalFilename(`${character.repeat(300)}.jpg`);

      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(Buffer.byteLength(name)).toBeGreaterThan(255 - Buffer.byteLength(character));
    },
  );

  it("fits into a header that proxies accept, even when the record has a longer name", () => {
    expect(inlineDisposition("😀".repeat(2_000), ".jpg").length).toBeLessThan(1_200);
  });
});
