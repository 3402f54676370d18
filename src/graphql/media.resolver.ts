// Pictures in the graph.
import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { MediaType } from "./media.type.ts";
import { toMediaType, toUserType } from "./to-type.ts";
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
    const media = await context.loaders.mediaById.load(parseId(id, "media"));
    return media && toMediaType(media, context.services.urls);
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
