// Draws the default picture of a user without a picture as SVG: white initials on a colour.

/** Draws initials in any script, and emoji, with the browser's fonts. Draws a figure for a user without initials. */
export function drawDefaultSvg(initials: string, colour: string, sidePx: number): string {
  const fontSize = [...initials].length > 1 ? 40 : 48;
  const fonts =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif, 'Apple Color Emoji', 'Segoe UI Emoji', 'Noto Color Emoji'";
  const letters = `<text x="50" y="50" dy=".35em" text-anchor="middle" font-family="${fonts}" font-size="${fontSize}" font-weight="600" fill="#fff">${escapeXml(initials)}</text>`;
  const figure = `<circle cx="50" cy="38" r="17" fill="#fff"/><ellipse cx="50" cy="92" rx="32" ry="30" fill="#fff"/>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${sidePx}" height="${sidePx}" viewBox="0 0 100 100">` +
    `<rect width="100" height="100" fill="${colour}"/>${initials === "" ? figure : letters}</svg>`
  );
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
