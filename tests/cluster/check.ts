// The result of one check of the cluster.

export interface Check {
  title: string;
  /** A table, whose first row is the head. */
  rows: (string | number)[][];
  /** Descriptions of all that went wrong. */
  violations: string[];
}

/** Formats a check as Markdown with aligned columns. */
export function format({ title, rows, violations }: Check): string {
  const texts = rows.map((row) => row.map(String));
  const widths = texts[0]!.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  const lines = texts.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const wrong = violations.map((violation) => `WRONG: ${violation}`);
  return [`${title}\n`, lines[0], rule, ...lines.slice(1), "", ...wrong].join("\n");
}
