// Who is signed in: the token, kept by the browser until its owner signs out. Used by `main.tsx` and the components.
import { useSyncExternalStore } from "react";

const KEY = "letsapp-token";

class Session {
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Another tab has signed in or out, or cleared everything; perhaps while this one was asleep.
    addEventListener("storage", ({ key }) => (key === KEY || key === null) && this.#notify());
    addEventListener("pageshow", () => this.#notify());
    document.addEventListener("visibilitychange", () => this.#notify());
  }

  get token(): string | null {
    return localStorage.getItem(KEY);
  }

  begin(token: string): void {
    localStorage.setItem(KEY, token);
    this.#notify();
  }

  /** @param token what is not good any more; another one that was begun meanwhile stays */
  end(token = this.token): void {
    if (token !== this.token) return;
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
