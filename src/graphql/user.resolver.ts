// The queries for users, and the computed fields of `User`.
import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";

import { maySeeEmail, requireActor } from "../auth/permissions.ts";
import { parseId } from "../domain/ids.ts";
import { colourOf, initialsOf } from "../domain/initials.ts";
import type { PictureSize as PictureSizePx } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import type { RequestContext } from "./context.ts";
import { decodeCursor, MAX_PAGE_COUNT } from "./cursor.ts";
import { findMedia } from "./find-media.ts";
import { MediaType } from "./media.type.ts";
import { PictureSize } from "./picture-enums.ts";
import { toUserEdge, toUserType } from "./to-type.ts";
import { UserConnection, UserType } from "./user.type.ts";

const DEFAULT_SIZE_PX = 150;

/** Initials by user: splitting a name into letters takes 40 µs, and an operation may request it a thousand times. */
const knownInitials = new WeakMap<UserType, string>();

function initialsOfUser(user: UserType): string {
  const initials = knownInitials.get(user) ?? initialsOf(user.username);
  knownInitials.set(user, initials);
  return initials;
}

@Resolver(() => UserType)
export class UserResolver {
  @Query(() => UserType, {
    nullable: true,
    description: "Returns the signed-in user, or null without a token.",
  })
  async me(@Ctx() { actor, loaders }: RequestContext): Promise<UserType | null> {
    const user = actor ? await loaders.userById.load(actor.id) : null;
    return user && toUserType(user);
  }

  @Query(() => UserType, {
    nullable: true,
    description: "Returns one user, or null when the id is unknown. Needs a token.",
  })
  async user(
    @Arg("id", () => ID, { description: "The user's id." }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<UserType | null> {
    requireActor(context.actor);
    const user = await context.loaders.userById.load(parseId(id, "user"));
    return user && toUserType(user);
  }

  @Query(() => UserConnection, {
    description:
      "Returns one page of the list of all users, in the order in which they joined. Needs a token.",
  })
  async users(
    @Arg("first", () => Int, { defaultValue: 20, description: "Maximum number of users, 1 to 100." })
    first: number,
    @Arg("after", () => String, { nullable: true, description: "A cursor. The page begins after it." })
    after: string | null,
    @Ctx() context: RequestContext,
  ): Promise<UserConnection> {
    requireActor(context.actor);
    if (first < 1 || first > MAX_PAGE_COUNT) {
      throw new AppError("BAD_USER_INPUT", `\`first\` must be from 1 to ${MAX_PAGE_COUNT}.`, {
        limit: MAX_PAGE_COUNT,
        actual: first,
      });
    }
    const afterId = after == null ? null : decodeCursor(after);
    const { users, hasNextPage } = await context.services.accounts.findPage(first, afterId);
    const edges = users.map(toUserEdge);
    return {
      edges,
      pageInfo: {
        hasNextPage,
        hasPreviousPage: afterId !== null,
        startCursor: edges.at(0)?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    };
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "The signed-in user's own e-mail address. Null for other users.",
  })
  email(@Root() user: UserType, @Ctx() { actor }: RequestContext): string | null {
    return user.isSignedInHere || maySeeEmail(actor, user.id) ? user.email : null;
  }

  @FieldResolver(() => String, {
    description:
      "URL that never changes and shows the user's current picture, or the initials if the user has no picture. " +
      "For `<img src>`: needs no token. A new picture appears within a minute.",
  })
  profilePictureUrl(
    @Root() { id }: UserType,
    @Arg("size", () => PictureSize, {
      nullable: true,
      defaultValue: DEFAULT_SIZE_PX,
      description: "Side of the square in pixels.",
    })
    size: PictureSizePx | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    return urls.current(id, size ?? DEFAULT_SIZE_PX);
  }

  @FieldResolver(() => String, {
    description:
      "Initials for users without a picture: one or two letters, digits or emoji. Empty if the name has none of these.",
  })
  initials(@Root() user: UserType): string {
    return initialsOfUser(user);
  }

  @FieldResolver(() => String, {
    description: "The background colour for the initials, as `#rrggbb`. White text is readable on it.",
  })
  color(@Root() { id }: UserType): string {
    return colourOf(id);
  }

  @FieldResolver(() => MediaType, {
    nullable: true,
    description: "The user's profile picture. Null if the user has none.",
  })
  profilePicture(
    @Root() { profilePictureId }: UserType,
    @Ctx() context: RequestContext,
  ): MediaType | null | Promise<MediaType | null> {
    return profilePictureId === null ? null : findMedia(context, profilePictureId);
  }
}
