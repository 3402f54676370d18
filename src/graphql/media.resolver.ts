// Pictures in the graph.
import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { findMedia } from "./find-media.ts";
import { MediaType } from "./media.type.ts";
import { toUserType } from "./to-type.ts";
import { UserType } from "./user.type.ts";

@Resolver(() => MediaType)
export class MediaResolver {
  @Query(() => MediaType, {
    nullable: true,
    description: "One picture; null when it is unknown, deleted or replaced. Needs a token.",
  })
  async media(
    @Arg("id", () => ID, { description: "The picture's id." }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<MediaType | null> {
    requireUser(context);
    return findMedia(context, parseId(id, "media"));
  }

  @FieldResolver(() => Int, {
    description: "How often the picture or its thumbnail has been fetched so far.",
  })
  viewCount(@Root() { id }: MediaType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return loaders.viewCountById.load(id);
  }

  @FieldResolver(() => UserType, {
    nullable: true,
    description: "Who uploaded the picture; null when the account is gone.",
  })
  async uploader(
    @Root() { uploaderId }: MediaType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<UserType | null> {
    const user = await loaders.userById.load(uploaderId);
    return user && toUserType(user);
  }
}
