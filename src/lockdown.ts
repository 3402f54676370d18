// Takes away what the service does not need once it has started. Used by `main.ts`.

type FunctionMaker = new (...parts: string[]) => unknown;

/**
 * Forbids code from strings in this thread: `eval` and the constructors of functions throw. Routers and validators
 * generate code while they start, so Node's own `--disallow-code-generation-from-strings` is too early for them.
 */
export function forbidCodeFromStrings(): void {
  const makers = [function () {}, async function () {}, function* () {}, async function* () {}].map(
    (example) => Object.getPrototypeOf(example).constructor as FunctionMaker,
  );
  for (const maker of makers) {
    const refuse = function () {
      throw new EvalError("Code generation from strings is disallowed.");
    };
    // Libraries ask for the name of a function's constructor, and whether something is an instance of it.
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
