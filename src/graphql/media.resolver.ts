// The query `media`, and the computed fields of `Media` and `Placeholder`.
import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";

import { requireActor } from "../auth/permissions.ts";
import { parseId } from "../domain/ids.ts";
import type { PictureSize as PictureSizePx, RenditionFormat } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import type { RequestContext } from "./context.ts";
import { findMedia } from "./find-media.ts";
import { MediaType, PlaceholderType } from "./media.type.ts";
import { PictureFormat, PictureSize } from "./picture-enums.ts";
import { toUserType } from "./to-type.ts";
import { UserType } from "./user.type.ts";

/** Created once, because an operation may request thousands of URLs. */
const formatWithoutSize = new AppError("BAD_USER_INPUT", "`format` can only be used together with `size`.");

@Resolver(() => PlaceholderType)
export class PlaceholderResolver {
  @FieldResolver(() => String, {
    description: "The blur as a data URL of about 200 characters, for `<img src>` or a CSS background.",
  })
  dataUrl(
    @Root() { thumbHash }: PlaceholderType,
    @Ctx() { services, actor, network }: RequestContext,
  ): Promise<string> {
    return services.placeholders.toDataUrl(thumbHash, actor?.id ?? network);
  }
}

@Resolver(() => MediaType)
export class MediaResolver {
  @Query(() => MediaType, {
    nullable: true,
    description: "Returns one picture, or null when it is unknown, deleted or replaced. Needs a token.",
  })
  async media(
    @Arg("id", () => ID, { description: "The picture's id." }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<MediaType | null> {
    requireActor(context.actor);
    return findMedia(context, parseId(id, "media"));
  }

  @FieldResolver(() => String, {
    description:
      "URL of the uploaded picture without its metadata, or of a square of it if `size` is given. A square of an " +
      "animation does not move. For `<img src>`: needs no token. Each GET that returns the picture counts as a view.",
  })
  url(
    @Root() { id }: MediaType,
    @Arg("size", () => PictureSize, { nullable: true, description: "Side of the square in pixels." })
    size: PictureSizePx | null,
    @Arg("format", () => PictureFormat, {
      nullable: true,
      description: "Format of the square. Allowed only together with `size`.",
    })
    format: RenditionFormat | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    if (size != null) return urls.square(id, size, format);
    if (format != null) throw formatWithoutSize;
    return urls.original(id);
  }

  @FieldResolver(() => String, {
    description: "URLs of the square in several sizes, for `<img srcset>` together with `sizes`.",
  })
  srcset(
    @Root() { id, width, height }: MediaType,
    @Arg("format", () => PictureFormat, { nullable: true, description: "Format of all squares." })
    format: RenditionFormat | null,
    @Ctx() { services: { urls } }: RequestContext,
  ): string {
    return urls.srcset(id, width && height && Math.min(width, height), format);
  }

  @FieldResolver(() => PlaceholderType, {
    nullable: true,
    description:
      "A blur to show while the picture loads. Null for an old record until its blur has been made.",
  })
  placeholder(@Root() { media }: MediaType, @Ctx() { services }: RequestContext): PlaceholderType | null {
    return services.placeholders.find(media);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "The most frequent colour of the square, as `#rrggbb`. Null when `placeholder` is null.",
  })
  dominantColor(@Root() { media }: MediaType, @Ctx() { services }: RequestContext): string | null {
    return services.placeholders.find(media)?.dominantColor ?? null;
  }

  @FieldResolver(() => Int, {
    description: "How often the picture, its thumbnail or its squares have been fetched so far.",
  })
  viewCount(@Root() { id }: MediaType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return loaders.viewCountById.load(id);
  }

  @FieldResolver(() => UserType, {
    nullable: true,
    description: "The user who uploaded the picture. Null when the account is gone.",
  })
  async uploader(
    @Root() { uploaderId }: MediaType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<UserType | null> {
    const user = await loaders.userById.load(uploaderId);
    return user && toUserType(user);
  }
}
