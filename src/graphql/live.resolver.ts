// What clients are told without asking again.
import { Arg, Ctx, ID, Resolver, Root, Subscription } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { AppError } from "../errors.ts";
import type { LiveChange } from "../services/live-changes.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { createLoaders, type Loaders } from "./loaders.ts";
import { toUserType } from "./to-type.ts";
import { UserType } from "./user.type.ts";

/** More than a page shows. */
const MAX_USER_COUNT = 500;

/** Listeners that hear of the same changes look up together what to show of them. */
const loadersByLook = new WeakMap<object, Loaders>();

@Resolver()
export class LiveResolver {
  @Subscription(() => UserType, {
    nullable: true,
    description:
      "A user whose picture was changed, deleted or restored, within a second or two, as it is then; null for one who is " +
      "gone. Over WebSocket, by the protocol graphql-transport-ws, with the token as `authorization` in the connection's " +
      "parameters. What changes while a client is not connected is not told later: ask for it after each connection.",
    subscribe: ({ args, context }: { args: { userIds?: string[] | null }; context: RequestContext }) =>
      listen(context, args.userIds ?? null),
  })
  async profilePictureChanged(
    @Arg("userIds", () => [ID], {
      nullable: true,
      description: `Whose pictures: up to ${MAX_USER_COUNT} users. Without it, everybody's.`,
    })
    _userIds: string[] | null,
    @Root() change: LiveChange | "too-slow",
    @Ctx() context: RequestContext,
  ): Promise<UserType | null> {
    if (change === "too-slow") {
      throw new AppError(
        "OVERLOADED",
        "Pictures change faster than they are read. Subscribe again, to fewer.",
      );
    }
    const { accounts, media } = context.services;
    const loaders = loadersByLook.get(change.look) ?? createLoaders(accounts, media);
    loadersByLook.set(change.look, loaders);
    context.loaders = loaders;
    const user = await loaders.userById.load(change.userId);
    return user && toUserType(user);
  }
}

function listen(context: RequestContext, userIds: string[] | null): AsyncIterable<LiveChange | "too-slow"> {
  const subscriberId = requireUser(context);
  if (userIds && userIds.length > MAX_USER_COUNT) {
    throw new AppError("BAD_USER_INPUT", `userIds are ${MAX_USER_COUNT} at most.`, {
      limit: MAX_USER_COUNT,
      actual: userIds.length,
    });
  }
  const ids = userIds && new Set(userIds.map((id) => parseId(id, "user")));
  return context.services.changes.listen(subscriberId, ids);
}
