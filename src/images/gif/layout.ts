// The parts of a GIF. Source: the GIF89a specification.

export const HEADER_BYTES = 6;
/** The header and the screen descriptor. A colour table may follow. */
export const SCREEN_END = HEADER_BYTES + 7;
/** Position of the flags in the screen descriptor. */
export const SCREEN_FLAGS_AT = HEADER_BYTES + 4;
export const IMAGE_DESCRIPTOR_BYTES = 10;

export const EXTENSION = 0x21;
export const IMAGE = 0x2c;
export const GRAPHIC_CONTROL = 0xf9;

/** Flags of a descriptor: a colour table follows, and its size. */
export const COLOUR_TABLE_FLAG = 0x80;
const COLOUR_TABLE_SIZE = 0x07;

/** Position of the flags in a graphic control. */
export const CONTROL_FLAGS_AT = 3;

/** @param flags of the descriptor before the table */
export function colourTableBytes(flags: number): number {
  return flags & COLOUR_TABLE_FLAG ? 3 * 2 ** ((flags & COLOUR_TABLE_SIZE) + 1) : 0;
}

/** Returns the disposal method of a frame: 2 clears it before the next one is drawn, 3 restores the image before it. */
export function disposalOf(graphicControl: Buffer): number {
  return (graphicControl[CONTROL_FLAGS_AT]! >> 2) & 7;
}
