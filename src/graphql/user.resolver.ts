// Who is there, and what each may see of the others.
import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { colourOf, initialsOf } from "../domain/initials.ts";
import type { PictureSize as PictureSizePx } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { decodeCursor, MAX_PAGE_COUNT } from "./cursor.ts";
import { findMedia } from "./find-media.ts";
import { MediaType } from "./media.type.ts";
import { PictureSize } from "./picture-enums.ts";
import { toUserEdge, toUserType } from "./to-type.ts";
import { UserConnection, UserType } from "./user.type.ts";

const DEFAULT_SIZE_PX = 150;

/** Finding where a letter of any script ends takes 40 µs, and an operation may ask for it a thousand times. */
const knownInitials = new WeakMap<UserType, string>();

function initialsOfUser(user: UserType): string {
  const initials = knownInitials.get(user) ?? initialsOf(user.username);
  knownInitials.set(user, initials);
  return initials;
}

@Resolver(() => UserType)
export class UserResolver {
  @Query(() => UserType, { nullable: true, description: "The signed-in user; null without a token." })
  async me(@Ctx() { currentUserId, loaders }: RequestContext): Promise<UserType | null> {
    const user = currentUserId ? await loaders.userById.load(currentUserId) : null;
    return user && toUserType(user);
  }

  @Query(() => UserType, { nullable: true, description: "One user; null when there is none. Needs a token." })
  async user(
    @Arg("id", () => ID, { description: "The user's id." }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<UserType | null> {
    requireUser(context);
    const user = await context.loaders.userById.load(parseId(id, "user"));
    return user && toUserType(user);
  }

  @Query(() => UserConnection, {
    description: "All users, a page at a time, in the order in which they joined. Needs a token.",
  })
  async users(
    @Arg("first", () => Int, { defaultValue: 20, description: "How many, 1 to 100." }) first: number,
    @Arg("after", () => String, { nullable: true, description: "A cursor: the page begins behind it." })
    after: string | null,
    @Ctx() context: RequestContext,
  ): Promise<UserConnection> {
    requireUser(context);
    if (first < 1 || first > MAX_PAGE_COUNT) {
      throw new AppError("BAD_USER_INPUT", `first is 1 to ${MAX_PAGE_COUNT}.`, {
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
    description: "The user's e-mail address; null unless it is one's own.",
  })
  email(@Root() user: UserType, @Ctx() { currentUserId }: RequestContext): string | null {
    return user.isSignedInHere || user.id === currentUserId ? user.email : null;
  }

  @FieldResolver(() => String, {
    description:
      "Always something to show: leads to the user's picture, or where there is none to the initials. For `<img src>`; " +
      "needs no token. A new picture is seen there within a minute.",
  })
  profilePictureUrl(
    @Root() { id }: UserType,
    @Arg("size", () => PictureSize, {
      nullable: true,
      defaultValue: DEFAULT_SIZE_PX,
      description: "Pixels on each side.",
    })
    size: PictureSizePx | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    return urls.current(id, size ?? DEFAULT_SIZE_PX);
  }

  @FieldResolver(() => String, {
    description:
      "What stands for the person where there is no picture: one letter or two, of any script, or an emoji. Empty for a name without.",
  })
  initials(@Root() user: UserType): string {
    return initialsOfUser(user);
  }

  @FieldResolver(() => String, {
    description: "The colour behind the initials, as `#rrggbb`. White can be read on it.",
  })
  color(@Root() { id }: UserType): string {
    return colourOf(id);
  }

  @FieldResolver(() => MediaType, {
    nullable: true,
    description: "The user's profile picture; null without one.",
  })
  profilePicture(
    @Root() { profilePictureId }: UserType,
    @Ctx() context: RequestContext,
  ): MediaType | null | Promise<MediaType | null> {
    return profilePictureId === null ? null : findMedia(context, profilePictureId);
  }
}
