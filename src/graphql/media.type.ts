// The type `Media`: what the graph shows of a picture.
import { Field, Float, ID, InputType, Int, ObjectType } from "type-graphql";

import type { Media } from "../domain/media.ts";
import { DateTime } from "./date-time.ts";

@ObjectType("Media", {
  simpleResolvers: true,
  description: "A stored picture. Its bytes are fetched over plain HTTP from `url` or `thumbnailUrl`.",
})
export class MediaType {
  @Field(() => ID, {
    description: "24 hexadecimal digits. A new picture has a new id, so an id's bytes never change.",
  })
  id!: string;

  @Field(() => String, {
    description:
      "The middle of the picture, 150 × 150 pixels, in the same format; of an animation the first frame. " +
      "For `<img src>`; needs no token. Each GET that sends it counts as a view.",
  })
  thumbnailUrl!: string;

  @Field(() => String, {
    description: "What the file was called on the uploader's device. Text, not a path.",
  })
  originalFilename!: string;

  @Field(() => Int, { description: "Size of the stored picture in bytes." })
  fileSize!: number;

  @Field(() => String, { description: "The kind of media: always `image`." })
  mediaType!: string;

  @Field(() => String, { description: "`image/jpeg`, `image/png` or `image/gif`, decided by the bytes." })
  mimeType!: string;

  @Field(() => Int, {
    nullable: true,
    description: "Width in pixels, upright. Null for an old record that lacks it.",
  })
  width!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: "Height in pixels, upright. Null for an old record that lacks it.",
  })
  height!: number | null;

  @Field(() => DateTime, { description: "When the picture was uploaded." })
  createdAt!: Date;

  /** Resolved in `media.resolver.ts`, as everything is that stands on this. */
  media!: Media;

  /** Resolved in `media.resolver.ts`. */
  uploaderId!: string;
}

@ObjectType("Placeholder", {
  simpleResolvers: true,
  description: "What can be shown before a picture has come: a blur of its square.",
})
export class PlaceholderType {
  @Field(() => String, { description: "A ThumbHash of some 25 bytes, as base64." })
  thumbHash!: string;

  /** Resolved in `media.resolver.ts`. */
  dataUrl?: string;
}

@InputType({
  description:
    "Which part of a picture is seen in everything that is derived from it. In fractions of its width and height, upright.",
})
export class CropInput {
  @Field(() => Float, {
    description: "Of the left edge, 0 to 1; without `width` and `height`, of the point that stays in sight.",
  })
  x!: number;

  @Field(() => Float, {
    description: "Of the upper edge, 0 to 1; without `width` and `height`, of the point that stays in sight.",
  })
  y!: number;

  @Field(() => Float, {
    nullable: true,
    description: "Above 0; with `x`, at most 1. Together with `height`, or not at all.",
  })
  width?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Above 0; with `y`, at most 1. Together with `width`, or not at all.",
  })
  height?: number | null;
}
