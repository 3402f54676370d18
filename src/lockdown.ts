// Removes abilities that the service does not need after it has started.

type FunctionMaker = new (...parts: string[]) => unknown;

/**
 * Forbids code generation from strings in this thread: `eval` and the constructors of functions throw. Node's own
 * `--disallow-code-generation-from-strings` would be too early: routers and validators generate code while they start.
 */
export function forbidCodeFromStrings(): void {
  const makers = [function () {}, async function () {}, function* () {}, async function* () {}].map(
    (example) => Object.getPrototypeOf(example).constructor as FunctionMaker,
  );
  for (const maker of makers) {
    const refuse = function () {
      throw new EvalError("Code generation from strings is disallowed.");
    };
    // Libraries read the name of a function's constructor, and test values with `instanceof`.
    Object.defineProperties(refuse, { name: { value: maker.name }, prototype: { value: maker.prototype } });
    Object.defineProperty(maker.prototype, "constructor", {
      value: refuse,
      writable: false,
      configurable: false,
    });
    if (maker === Function) Object.assign(globalThis, { Function: refuse });
  }
  Object.assign(globalThis, {
    eval() {
      throw new EvalError("Code generation from strings is disallowed.");
    },
  });
}
