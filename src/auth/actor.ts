// Who makes a request. Both doors pass this on; `permissions.ts` decides what an actor may do.
import type { UserId } from "../domain/ids.ts";

export interface Actor {
  id: UserId;
  /** No rule depends on a role yet. */
  roles: readonly string[];
  /** Who signed the actor's token: the holder of the shared secret, or an identity provider. */
  authentication: "shared-secret" | "key-set";
}
