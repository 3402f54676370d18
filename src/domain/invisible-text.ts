// Characters that cannot be seen, and those that turn the direction of text around: with them a name could look
// like another one.

/**
 * Also everything that Unicode lets programs leave out when they draw text, such as soft hyphens, fillers and tags. A
 * joiner may stand between two letters, which Persian needs, or behind an emoji, and a variation selector behind an emoji.
 */
export const invisibleCharacters = new RegExp(
  "[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]" +
    "|(?![\\u200c\\u200d\\ufe0f])\\p{Default_Ignorable_Code_Point}" +
    "|(?<![\\p{L}\\p{M}])\\u200c|\\u200c(?![\\p{L}\\p{M}])" +
    "|(?<![\\p{L}\\p{M}\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d" +
    "|\\u200d(?![\\p{L}\\p{M}\\p{Extended_Pictographic}])" +
    "|(?<![\\p{Extended_Pictographic}0-9#*])\\ufe0f",
  "u",
);

export function removeInvisible(text: string): string {
  return text.replace(new RegExp(invisibleCharacters, "gu"), "");
}
