// How often a picture was seen, in words.

export function formatViews(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "view" : "views"}`;
}
