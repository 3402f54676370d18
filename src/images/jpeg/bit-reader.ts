// Reads the entropy-coded data of a scan bit by bit. Source: ITU-T T.81, annexes B.1.1.5 and F.2.2.
import { unreadable } from "../unreadable.ts";
import { isRestart } from "./markers.ts";

const MAX_CODE_BITS = 16;
/** Codes up to this length are found with one look. */
const QUICK_BITS = 9;

/** A Huffman table that is ready for decoding. */
export interface HuffmanTable {
  /** For each value of the next `QUICK_BITS` bits: symbol << 8 | length of its code; 0 if the code is longer. */
  quick: Uint16Array;
  /** The largest code of each length; -1 without one. */
  largest: Int32Array;
  /** For each length: what to add to a code to get its position in `symbols`. */
  distance: Int32Array;
  symbols: Buffer;
}

/** @param counts number of codes of each length from 1 to 16 */
export function buildTable(counts: Buffer, symbols: Buffer): HuffmanTable {
  const table: HuffmanTable = {
    quick: new Uint16Array(1 << QUICK_BITS),
    largest: new Int32Array(MAX_CODE_BITS + 1).fill(-1),
    distance: new Int32Array(MAX_CODE_BITS + 1),
    symbols,
  };
  let code = 0;
  let position = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++, code <<= 1) {
    const count = counts[length - 1]!;
    if (code + count > 1 << length) throw unreadable("JPG", "a Huffman table has too many codes");
    table.distance[length] = position - code;
    for (let i = 0; i < count; i++, code++, position++) {
      if (length > QUICK_BITS) continue;
      const first = code << (QUICK_BITS - length);
      table.quick.fill((symbols[position]! << 8) | length, first, first + (1 << (QUICK_BITS - length)));
    }
    if (count > 0) table.largest[length] = code - 1;
  }
  return table;
}

/** Reads bits up to the next marker, then returns zeros and counts them. */
export class BitReader {
  #held = 0;
  #heldBits = 0;
  #missingBits = 0;

  constructor(
    readonly bytes: Buffer,
    public position: number,
  ) {}

  /** True when more bits were read than the data has. */
  get hasRunOut(): boolean {
    return this.#missingBits > this.#heldBits;
  }

  /** @param count up to 16 */
  read(count: number): number {
    if (this.#heldBits < count) this.#fill();
    this.#heldBits -= count;
    return (this.#held >>> this.#heldBits) & ((1 << count) - 1);
  }

  /** Reads the bits of a coefficient: a number whose first bit is 0 is negative. */
  readSigned(bitCount: number): number {
    if (bitCount === 0) return 0;
    const value = this.read(bitCount);
    return value < 1 << (bitCount - 1) ? value - (1 << bitCount) + 1 : value;
  }

  readSymbol(table: HuffmanTable): number {
    if (this.#heldBits < MAX_CODE_BITS) this.#fill();
    const found = table.quick[(this.#held >>> (this.#heldBits - QUICK_BITS)) & ((1 << QUICK_BITS) - 1)]!;
    if (found !== 0) {
      this.#heldBits -= found & 0xff;
      return found >> 8;
    }
    for (let length = QUICK_BITS + 1; length <= MAX_CODE_BITS; length++) {
      const code = (this.#held >>> (this.#heldBits - length)) & ((1 << length) - 1);
      if (code > table.largest[length]!) continue;
      this.#heldBits -= length;
      return table.symbols[code + table.distance[length]!]!;
    }
    throw unreadable("JPG", "its picture data has an invalid code");
  }

  /** Skips to the next marker, and past it if it is a restart marker. */
  restart(): void {
    this.#held = this.#heldBits = this.#missingBits = 0;
    this.position = this.#nextMarker();
    if (isRestart(this.bytes[this.position + 1])) this.position += 2;
  }

  /** Returns the position of the next marker that is not a restart marker. */
  findMarker(): number {
    for (;;) {
      const at = this.#nextMarker();
      if (!isRestart(this.bytes[at + 1])) return at;
      this.position = at + 2;
    }
  }

  #nextMarker(): number {
    for (let at = this.position; at + 1 < this.bytes.length; at++) {
      const code = this.bytes[at + 1];
      if (this.bytes[at] === 0xff && code !== 0 && code !== 0xff) return at;
    }
    throw unreadable("JPG", "it has no end marker");
  }

  #fill(): void {
    while (this.#heldBits <= 24 - 8) {
      this.#held = ((this.#held << 8) | this.#nextByte()) & 0xffffff;
      this.#heldBits += 8;
    }
  }

  /** Returns the next byte of the data, or 0 at its end. In the file, a zero byte follows each 0xff of the data. */
  #nextByte(): number {
    const byte = this.bytes[this.position];
    if (byte !== undefined && byte !== 0xff) {
      this.position += 1;
      return byte;
    }
    let at = this.position + 1;
    while (this.bytes[at] === 0xff) at += 1; // Fill bytes (0xff) may precede the zero.
    if (this.bytes[at] === 0) {
      this.position = at + 1;
      return 0xff;
    }
    this.position = at - 1; // The marker: the next call does not search for it again.
    this.#missingBits += 8;
    return 0;
  }
}
