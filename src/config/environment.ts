// Reads single variables of the environment and gathers what is wrong with them. Called by `config.ts`.

export type Environment = Readonly<Record<string, string | undefined>>;

/** Each method returns a usable value in any case; `problems` says what could not be used. */
export class EnvironmentReader {
  constructor(
    readonly env: Environment,
    readonly problems: string[],
  ) {}

  problem(sentence: string): void {
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
      this.problem(`${name} must be a whole number from ${min} to ${max}.`);
      return fallback;
    }
    return value;
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const choice = choices.find((one) => one === text);
    if (!choice) this.problem(`${name} must be one of ${choices.join(", ")}.`);
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
      this.problem(
        `${name} must be a URL that starts with ${protocols.map((one) => `${one}//`).join(" or ")}.`,
      );
    } else if (new URL(text).username || new URL(text).password) {
      this.problem(`${name} must have no credentials: it is shown to others, or stands in logs.`);
    }
    return text;
  }
}
