// Pictures in the graph.
import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";

import { parseId } from "../domain/ids.ts";
import type { PictureSize as PictureSizePx, RenditionFormat } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { requireUser, type RequestContext } from "./context.ts";
import { findMedia } from "./find-media.ts";
import { MediaType, PlaceholderType } from "./media.type.ts";
import { PictureFormat, PictureSize } from "./picture-enums.ts";
import { toUserType } from "./to-type.ts";
import { UserType } from "./user.type.ts";

/** Made once: an operation may ask for thousands of addresses. */
const formatWithoutSize = new AppError("BAD_USER_INPUT", "format goes together with size.");

@Resolver(() => PlaceholderType)
export class PlaceholderResolver {
  @FieldResolver(() => String, {
    description: "The blur, ready for `<img src>` or a CSS background: a data URL of some 200 characters.",
  })
  dataUrl(
    @Root() { thumbHash }: PlaceholderType,
    @Ctx() { services, currentUserId, network }: RequestContext,
  ): Promise<string> {
    return services.placeholders.toDataUrl(thumbHash, currentUserId ?? network);
  }
}

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

  @FieldResolver(() => String, {
    description:
      "The picture as it was uploaded, without metadata; with `size` a square of it that stands still. For `<img src>`; " +
      "needs no token. Each GET that sends it counts as a view.",
  })
  url(
    @Root() { id }: MediaType,
    @Arg("size", () => PictureSize, { nullable: true, description: "Pixels on each side." })
    size: PictureSizePx | null,
    @Arg("format", () => PictureFormat, { nullable: true, description: "Only together with `size`." })
    format: RenditionFormat | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    if (size != null) return urls.square(id, size, format);
    if (format != null) throw formatWithoutSize;
    return urls.original(id);
  }

  @FieldResolver(() => String, {
    description: "The same square in several sizes, for `<img srcset>` with `sizes`.",
  })
  srcset(
    @Root() { id, width, height }: MediaType,
    @Arg("format", () => PictureFormat, { nullable: true, description: "The same for all." })
    format: RenditionFormat | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    return urls.srcset(id, width && height && Math.min(width, height), format);
  }

  @FieldResolver(() => PlaceholderType, {
    nullable: true,
    description:
      "What can be shown before the picture has come; null for an old record until it has been made.",
  })
  placeholder(@Root() { media }: MediaType, @Ctx() { services }: RequestContext): PlaceholderType | null {
    return services.placeholders.find(media);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "The colour that most of the square has, as `#rrggbb`; null like `placeholder`.",
  })
  dominantColor(@Root() { media }: MediaType, @Ctx() { services }: RequestContext): string | null {
    return services.placeholders.find(media)?.dominantColor ?? null;
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
