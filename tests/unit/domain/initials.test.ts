import { describe, expect, it } from "vitest";

import { colourOf, initialsOf } from "../../../src/domain/initials.ts";

describe("initials", () => {
  it.each([
    ["Ada Lovelace", "AL"],
    ["ada", "A"],
    ["ada.king-noel", "AN"],
    ["  ada   lovelace  ", "AL"],
    ["élodie", "É"],
    ["e\u0301lodie", "É"],
    ["ßeta", "ß"],
    ["Жанна Ω", "ЖΩ"],
    ["王小明", "王"],
    ["山田 太郎", "山"],
    ["김 철수", "김"],
    ["محمد علي", "م\u200cع"],
    ["אבי כהן", "אכ"],
    ["नमस्ते", "न"],
    ["क्षमा", "क्ष"],
    ["👩‍👩‍👧 family", "👩‍👩‍👧F"],
    ["🇩🇪", "🇩🇪"],
    ["ა ბ", "აბ"],
    ["Ａｂ Ｃ", "AC"],
    ["42 is it", "4I"],
    ["(Ada)", "A"],
    ["---", ""],
    ["", ""],
    ["<script>", "S"],
  ])("of %j are %j", (name, expected) => {
    expect(initialsOf(name)).toBe(expected);
  });
});

describe("the colour of a user", () => {
  it("is always the same, differs between users, and is dark enough for white text", () => {
    const ids = Array.from({ length: 2000 }, (_, i) => i.toString(16).padStart(24, "0"));
    const colours = ids.map(colourOf);

    expect(ids.map(colourOf)).toEqual(colours);
    expect(new Set(colours).size).toBeGreaterThan(100);
    expect(Math.min(...colours.map(contrastWithWhite))).toBeGreaterThanOrEqual(4.5);
  });
});

function contrastWithWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}
