// Checks `forbidCodeFromStrings` in a separate process, because it cannot be undone.
import { execFileSync } from "node:child_process";

import { expect, it } from "vitest";

const built = new URL("../../dist/lockdown.js", import.meta.url).href;

function run(code: string): string {
  const script = `import { forbidCodeFromStrings } from ${JSON.stringify(built)}; forbidCodeFromStrings(); ${code}`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).trim();
}

it.each([
  "eval('1')",
  "(0, eval)('1')",
  "new Function('return 1')()",
  "Function('return 1')()",
  "[].filter.constructor('return 1')()",
  "(async () => {}).constructor('return 1')()",
  "(function* () {}).constructor('return 1')()",
  "(async function* () {}).constructor('return 1')()",
  "Reflect.construct(Object.getPrototypeOf(() => {}).constructor, ['return 1'])",
])("forbids %s", (code) => {
  expect(run(`try { ${code}; console.log("ran"); } catch (error) { console.log(error.name); }`)).toBe(
    "EvalError",
  );
});

it("does not change the type and constructor name of functions", () => {
  const checks =
    "[(() => {}) instanceof Function, (async () => {}).constructor.name, (() => {}).constructor === Function]";

  expect(run(`console.log(JSON.stringify(${checks}))`)).toBe('[true,"AsyncFunction",true]');
});
