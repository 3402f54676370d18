// The user who makes a request. GraphQL and REST pass the actor on; `permissions.ts` decides what the actor may do.
import type { UserId } from "../domain/ids.ts";

export interface Actor {
  id: UserId;
  /** No rule depends on a role yet. */
  roles: readonly string[];
  /** The signer of the actor's token: the holder of the shared secret, or an identity provider. */
  authentication: "shared-secret" | "key-set";
}
