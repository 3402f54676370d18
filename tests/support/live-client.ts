// A WebSocket client for GraphQL subscriptions, which records events, refusals and how the connection closed.
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";

export interface Told {
  data?: { profilePictureChanged: any } | null;
  errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

export class LiveClient {
  readonly #client: Client;
  readonly told: Told[] = [];
  /** How the connection closed; null until then. */
  closed: { code: number; reason: string } | null = null;
  /** Errors that ended a subscription, before its first event or later. */
  readonly refusals: unknown[] = [];
  isConnected = false;

  constructor(baseUrl: string, connectionParams: Record<string, unknown>) {
    this.#client = createClient({
      url: `${baseUrl.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => {},
      on: {
        connected: () => (this.isConnected = true),
        closed: (event) => {
          this.isConnected = false;
          this.closed = event as { code: number; reason: string };
        },
      },
    });
  }

  /** @returns a function that ends the subscription */
  subscribe(query: string, variables: Record<string, unknown> = {}): () => void {
    return this.#client.subscribe(
      { query, variables },
      {
        next: (value) => void this.told.push(value as Told),
        error: (error) => void this.refusals.push(error),
        complete: () => {},
      },
    );
  }

  async close(): Promise<void> {
    await this.#client.dispose();
  }
}
