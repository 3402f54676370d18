// The session of the signed-in user: the token, which the browser keeps until the user signs out.
import { useSyncExternalStore } from "react";

const KEY = "letsapp-token";

class Session {
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Another tab may have signed in or out, or cleared the storage, also while this tab was suspended.
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

  /** @param token the token that is no longer valid; a newer session stays */
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
