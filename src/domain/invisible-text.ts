// Characters that cannot be seen, and those that turn the direction of text around: with them a name could look
// like another one. The joiners are not among them: Persian names and many emoji need them.

export const invisibleCharacters = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

export function removeInvisible(text: string): string {
  return text.replace(new RegExp(invisibleCharacters, "gu"), "");
}
