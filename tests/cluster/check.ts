// What one part of the harness found out. Made by its files, printed by `cluster.ts`.

export interface Check {
  title: string;
  /** A table: its head, then its rows. */
  rows: (string | number)[][];
  /** What is not as it has to be. */
  violations: string[];
}

/** As Markdown, with columns that stand under each other. */
export function format({ title, rows, violations }: Check): string {
  const texts = rows.map((row) => row.map(String));
  const widths = texts[0]!.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  const lines = texts.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const wrong = violations.map((violation) => `WRONG: ${violation}`);
  return [`${title}\n`, lines[0], rule, ...lines.slice(1), "", ...wrong].join("\n");
}
