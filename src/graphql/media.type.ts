// The types `Media` and `Placeholder`, and the input `CropInput`.
import { Field, Float, ID, InputType, Int, ObjectType } from "type-graphql";

import type { Media } from "../domain/media.ts";
import { DateTime } from "./date-time.ts";

@ObjectType("Media", {
  simpleResolvers: true,
  description: "A stored picture. Clients fetch its bytes with a GET of `url` or `thumbnailUrl`.",
})
export class MediaType {
  @Field(() => ID, {
    description: "24 hexadecimal digits. Each upload gets a new id, so the bytes of an id never change.",
  })
  id!: string;

  @Field(() => String, {
    description:
      "URL of a square of 150 × 150 pixels in the picture's format: the crop, or else the middle of the picture. An " +
      "animation shows its first frame. For `<img src>`: needs no token. Each GET that returns it counts as a view.",
  })
  thumbnailUrl!: string;

  @Field(() => String, {
    description: "The name of the file on the uploader's device. Text, not a path.",
  })
  originalFilename!: string;

  @Field(() => Int, { description: "Size of the stored picture in bytes." })
  fileSize!: number;

  @Field(() => String, { description: "The kind of media: always `image`." })
  mediaType!: string;

  @Field(() => String, { description: "`image/jpeg`, `image/png` or `image/gif`, detected from the bytes." })
  mimeType!: string;

  @Field(() => Int, {
    nullable: true,
    description: "Width of the upright picture in pixels. Null for an old record without a width.",
  })
  width!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: "Height of the upright picture in pixels. Null for an old record without a height.",
  })
  height!: number | null;

  @Field(() => DateTime, { description: "When the picture was uploaded." })
  createdAt!: Date;

  /** The record from which `media.resolver.ts` resolves `placeholder` and `dominantColor`. */
  media!: Media;

  /** The id from which `media.resolver.ts` resolves `uploader`. */
  uploaderId!: string;
}

@ObjectType("Placeholder", {
  simpleResolvers: true,
  description: "A blurred square of a picture, to show while the picture loads.",
})
export class PlaceholderType {
  @Field(() => String, { description: "A ThumbHash of about 25 bytes, as base64." })
  thumbHash!: string;

  /** Resolved in `media.resolver.ts`. */
  dataUrl?: string;
}

@InputType({
  description:
    "The part of a picture that its thumbnail and squares show, in fractions of the upright width and height.",
})
export class CropInput {
  @Field(() => Float, {
    description:
      "The left edge, 0 to 1. Without `width` and `height`: the x of the point that stays visible.",
  })
  x!: number;

  @Field(() => Float, {
    description:
      "The upper edge, 0 to 1. Without `width` and `height`: the y of the point that stays visible.",
  })
  y!: number;

  @Field(() => Float, {
    nullable: true,
    description: "Greater than 0. `x` + `width` is at most 1. Requires `height`.",
  })
  width?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Greater than 0. `y` + `height` is at most 1. Requires `width`.",
  })
  height?: number | null;
}
