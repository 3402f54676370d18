// The subscription `profilePictureChanged`.
import { Arg, Ctx, ID, Resolver, Root, Subscription } from "type-graphql";

import { requireActor } from "../auth/permissions.ts";
import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { LiveChange } from "../services/live-changes.ts";
import type { RequestContext } from "./context.ts";
import { createLoaders, type Loaders } from "./loaders.ts";
import { toUserType } from "./to-type.ts";
import { UserType } from "./user.type.ts";

/** More users than a client shows at once. */
const MAX_USER_COUNT = 500;

/** Loaders by `LiveChange.poll`: subscriptions that receive the same changes read the changed users in one query. */
const loadersByPoll = new WeakMap<object, Loaders>();

@Resolver()
export class LiveResolver {
  @Subscription(() => UserType, {
    nullable: true,
    description:
      "Sends a user, or null if the account is gone, within about two seconds after the user's picture was replaced, " +
      "deleted or restored. The client connects over WebSocket with the protocol graphql-transport-ws, and sends the " +
      "token as `authorization` in the connection parameters. After a reconnect, the client must query the users " +
      "again, because changes in between are not sent.",
    subscribe: ({ args, context }: { args: { userIds?: string[] | null }; context: RequestContext }) =>
      listen(context, args.userIds ?? null),
  })
  async profilePictureChanged(
    @Arg("userIds", () => [ID], {
      nullable: true,
      description: `Ids of the users to follow, up to ${MAX_USER_COUNT}. Without it, all users.`,
    })
    _userIds: string[] | null,
    @Root() change: LiveChange | "too-slow",
    @Ctx() context: RequestContext,
  ): Promise<UserType | null> {
    if (change === "too-slow") {
      throw new AppError(
        "OVERLOADED",
        "The client reads changes more slowly than they arrive. Subscribe again, to fewer users.",
      );
    }
    const { accounts, media } = context.services;
    const loaders = loadersByPoll.get(change.poll) ?? createLoaders(accounts, media);
    loadersByPoll.set(change.poll, loaders);
    context.loaders = loaders;
    const user = await loaders.userById.load(change.userId);
    return user && toUserType(user);
  }
}

function listen(context: RequestContext, userIds: string[] | null): AsyncIterable<LiveChange | "too-slow"> {
  const subscriberId = requireActor(context.actor).id;
  if (userIds && userIds.length > MAX_USER_COUNT) {
    throw new AppError("BAD_USER_INPUT", `\`userIds\` may contain up to ${MAX_USER_COUNT} ids.`, {
      limit: MAX_USER_COUNT,
      actual: userIds.length,
    });
  }
  const ids = userIds && new Set(userIds.map((id) => parseId(id, "user")));
  return context.services.liveChanges.listen(subscriberId, ids);
}
