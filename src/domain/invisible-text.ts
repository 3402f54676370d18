// Characters that cannot be seen, or that change the direction of text: with them, a name could look like another one.

/**
 * Includes all characters that Unicode lets programs omit when they draw text, such as soft hyphens, fillers and tags.
 * Joiners are allowed between two letters, which Persian needs, and between two emoji; variation selectors are allowed
 * after an emoji, a digit, "#" or "*".
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
