// Who is signed in: the token, kept by the browser until its owner signs out. Used by `main.tsx` and the components.
import { useSyncExternalStore } from "react";

const KEY = "letsapp-token";

class Session {
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Another tab has signed in or out.
    addEventListener("storage", ({ key }) => key === KEY && this.#notify());
  }

  get token(): string | null {
    return localStorage.getItem(KEY);
  }

  begin(token: string): void {
    localStorage.setItem(KEY, token);
    this.#notify();
  }

  end(): void {
    localStorage.removeItem(KEY);
    this.#notify();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();

export function useToken(): string | null {
  return useSyncExternalStore(session.subscribe, () => session.token);
}
