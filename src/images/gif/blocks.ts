// Splits a GIF into blocks and keeps frames, their timing, the loop count and a colour profile, byte for byte. Drops
// all other blocks, and bytes after the end of the image. Source: the GIF89a specification.
import { cutProfile } from "../icc-profile.ts";
import type { ImageHeader, ParsedImage } from "../image-header.ts";
import { unreadable } from "../unreadable.ts";
import {
  colourTableBytes,
  disposalOf,
  EXTENSION,
  GRAPHIC_CONTROL,
  HEADER_BYTES,
  IMAGE,
  IMAGE_DESCRIPTOR_BYTES,
  SCREEN_END,
  SCREEN_FLAGS_AT,
} from "./layout.ts";
import { cutPixels, joinSubBlocks, splitIntoSubBlocks } from "./lzw.ts";

const TRAILER = 0x3b;
/** An extra block terminator, which some encoders write. */
const PADDING = 0x00;

const APPLICATION = 0xff;

/** Timing and transparency of a frame: introducer, label, a sub-block of four bytes, and the terminator. */
const GRAPHIC_CONTROL_BYTES = 8;

const APPLICATION_ID_BYTES = 11;
const PROFILE_APPLICATION = "ICCRGBG1012";

/** Extensions that hold the loop count, each with the maximum length of such an extension in bytes. */
const loopApplications = new Map<string, number>([
  ["NETSCAPE2.0", 32],
  ["ANIMEXTS1.0", 32],
]);

/** Measured: a decoder keeps a copy of the frame that it has to restore. */
const RESTORED_PIXEL_BYTES = 10;

const nothing = Buffer.alloc(0);
const trailer = Buffer.of(TRAILER);

/** A frame: its descriptor, colour table and size of root codes, and its compressed pixels in sub-blocks. */
interface Frame {
  head: Buffer;
  blocks: Buffer;
  pixelCount: number;
}

/** A part of the file that is kept: unchanged bytes, or a frame. */
type Part = Buffer | Frame;

/**
 * Drops comments, plain text, XMP, other extensions and trailing bytes. `toVerified` also drops data after the last
 * pixel of a frame.
 *
 * @throws UNREADABLE_IMAGE when the file ends within a block, or is not made of blocks
 */
export function parseGif(bytes: Buffer): ParsedImage {
  if (SCREEN_END > bytes.length) throw unreadable("GIF", "it ends within its header");
  const kept: Part[] = [];
  const extensions = new KeptExtensions(kept);
  let frameCount = 0;
  let framePixels = 0;
  let restoresFrames = false;
  let [width, height] = [bytes.readUInt16LE(HEADER_BYTES), bytes.readUInt16LE(HEADER_BYTES + 2)];
  let offset = SCREEN_END + colourTableBytes(bytes[SCREEN_FLAGS_AT]!);
  kept.push(bytes.subarray(0, offset));
  for (;;) {
    const start = offset;
    const kind = bytes[start];
    if (kind === TRAILER || kind === undefined) {
      if (framePixels === 0) throw unreadable("GIF", "it has no frame with pixels");
      extensions.dropGraphicControl();
      kept.push(trailer);
      return toParsedImage(kept, { width, height, frameCount, framePixels }, restoresFrames);
    }
    if (kind === IMAGE) {
      const dataAt = startOfData(bytes, start);
      offset = endOfSubBlocks(bytes, dataAt);
      const [left, top] = [bytes.readUInt16LE(start + 1), bytes.readUInt16LE(start + 3)];
      const [frameWidth, frameHeight] = [bytes.readUInt16LE(start + 5), bytes.readUInt16LE(start + 7)];
      // The decoder enlarges the screen to fit the first frame.
      if (frameCount === 0)
        [width, height] = [Math.max(width, left + frameWidth), Math.max(height, top + frameHeight)];
      frameCount += 1;
      framePixels += frameWidth * frameHeight;
      extensions.beginFrame();
      const [head, blocks] = [bytes.subarray(start, dataAt), bytes.subarray(dataAt, offset)];
      kept.push({ head, blocks, pixelCount: frameWidth * frameHeight });
    } else if (kind === EXTENSION) {
      offset = endOfSubBlocks(bytes, start + 2);
      const extension = bytes.subarray(start, offset);
      restoresFrames ||= isRestoring(extension);
      extensions.add(extension);
    } else if (kind === PADDING) {
      offset += 1;
    } else {
      throw unreadable("GIF", `block ${kind.toString(16)} is not known`);
    }
  }
}

function toParsedImage(
  parts: readonly Part[],
  size: Pick<ImageHeader, "width" | "height" | "frameCount" | "framePixels">,
  restoresFrames: boolean,
): ParsedImage {
  const heldPixelBytes = restoresFrames ? RESTORED_PIXEL_BYTES : 0;
  return {
    header: {
      format: "gif",
      ...size,
      orientation: 1,
      pixelBytes: 4,
      heldPixelBytes,
      turningPixelBytes: 0,
      scanCount: 1,
    },
    toStripped: () => join(parts),
    async toVerified() {
      const verified = parts.map((part) => (Buffer.isBuffer(part) ? part : keepFrame(part)));
      if (verified.every((part, i) => part === parts[i])) return null;
      return join(verified);
    },
    toRepaired: null,
  };
}

function join(parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => (Buffer.isBuffer(part) ? part : [part.head, part.blocks])));
}

/** True for a graphic control after whose frame the image before it is shown again: disposal method 3 or above. */
function isRestoring(extension: Buffer): boolean {
  return extension[1] === GRAPHIC_CONTROL && disposalOf(extension) >= 3;
}

/** The position of the first sub-block: after the descriptor, the colour table and the size of the root codes. */
function startOfData(bytes: Buffer, start: number): number {
  const packed = bytes[start + IMAGE_DESCRIPTOR_BYTES - 1];
  if (packed === undefined) throw unreadable("GIF", "it ends within a frame");
  return start + IMAGE_DESCRIPTOR_BYTES + colourTableBytes(packed) + 1;
}

/** Returns the frame itself when it has no data after its last pixel. @throws UNREADABLE_IMAGE when it lacks pixels */
function keepFrame(frame: Frame): Frame {
  const { head, blocks, pixelCount } = frame;
  const data = joinSubBlocks(blocks);
  const pixels = pixelCount > 0 ? cutPixels(data, head.at(-1)!, pixelCount) : null;
  if (!pixels) throw unreadable("GIF", "a frame lacks pixels");
  return pixels === data ? frame : { head, blocks: splitIntoSubBlocks(pixels), pixelCount };
}

/** The position after the sub-blocks. Each starts with its length, and one of length 0 ends them. */
function endOfSubBlocks(bytes: Buffer, start: number): number {
  for (let offset = start; ;) {
    const length = bytes[offset];
    if (length === undefined) throw unreadable("GIF", "it ends within a block");
    offset += 1 + length;
    if (length === 0) return offset;
  }
}

/**
 * Keeps the extensions that a decoder uses: the first one of each application, and the last graphic control before
 * each frame.
 */
class KeptExtensions {
  readonly #applications = new Set<string>();
  /** Index in `kept` of the graphic control for the next frame. */
  #graphicControlAt: number | null = null;

  constructor(readonly kept: Part[]) {}

  /** Keeps the extension if a decoder uses it. Reduces an extension for a colour profile to the profile. */
  add(extension: Buffer): void {
    if (extension[1] === GRAPHIC_CONTROL && extension.length === GRAPHIC_CONTROL_BYTES) {
      this.dropGraphicControl();
      this.#graphicControlAt = this.kept.length;
      this.kept.push(extension);
    } else if (extension[1] === APPLICATION && extension[2] === APPLICATION_ID_BYTES) {
      const application = extension.toString("latin1", 3, 3 + APPLICATION_ID_BYTES);
      if (!this.#applications.has(application)) this.kept.push(keepApplication(application, extension));
      this.#applications.add(application);
    }
  }

  /** Assigns the pending graphic control to the frame that begins. */
  beginFrame(): void {
    this.#graphicControlAt = null;
  }

  /** Drops a graphic control that no frame has followed. */
  dropGraphicControl(): void {
    if (this.#graphicControlAt !== null) this.kept[this.#graphicControlAt] = nothing;
  }
}

function keepApplication(application: string, extension: Buffer): Buffer {
  if (application === PROFILE_APPLICATION) return keepProfile(extension);
  return extension.length <= (loopApplications.get(application) ?? 0) ? extension : nothing;
}

function keepProfile(extension: Buffer): Buffer {
  const data = joinSubBlocks(extension.subarray(3 + APPLICATION_ID_BYTES));
  const profile = cutProfile(data);
  if (!profile) return nothing;
  if (profile.equals(data)) return extension;
  return Buffer.concat([extension.subarray(0, 3 + APPLICATION_ID_BYTES), splitIntoSubBlocks(profile)]);
}
