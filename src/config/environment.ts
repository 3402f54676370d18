// Reads environment variables and collects the problems that it finds.

export type Environment = Readonly<Record<string, string | undefined>>;

/** A method that reads a variable returns a value even if the variable is invalid, and adds a line to `problems`. */
export class EnvironmentReader {
  constructor(
    readonly env: Environment,
    readonly problems: string[],
  ) {}

  addProblem(sentence: string): void {
    this.problems.push(sentence);
  }

  text(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  /** The variables among `names` that are set. */
  given(names: readonly string[]): Record<string, string> {
    return Object.fromEntries(names.flatMap((name) => (this.env[name] ? [[name, this.env[name]]] : [])));
  }

  integer(name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      this.addProblem(`${name} must be a whole number from ${min} to ${max}.`);
      return fallback;
    }
    return value;
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const choice = choices.find((one) => one === text);
    if (!choice) this.addProblem(`${name} must be one of ${choices.join(", ")}.`);
    return choice ?? fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.choice(name, ["true", "false"], fallback ? "true" : "false") === "true";
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const isWhole = protocols.some((protocol) => text.toLowerCase().startsWith(`${protocol}//`));
    if (!isWhole || !URL.canParse(text) || /[\s"<>\\^`{|}]/.test(text.replaceAll("{key}", ""))) {
      this.addProblem(
        `${name} must be a URL that starts with ${protocols.map((one) => `${one}//`).join(" or ")}.`,
      );
    } else if (new URL(text).username || new URL(text).password) {
      this.addProblem(`${name} must not contain a user name or password: clients or the log may show it.`);
    }
    return text;
  }
}
