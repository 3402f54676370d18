// Finds the Huffman code that writes given symbols in the fewest bits. Source: ITU-T T.81, annex K.2.

const MAX_CODE_BITS = 16;
/** Longest code before codes are shortened to 16 bits. */
const MAX_DEPTH = 64;
/** A symbol that never occurs. Its code consists of ones only, and files must not use that code. */
const RESERVED = 256;

export interface EncodingTable {
  /** Number of codes of each length from 1 to 16. */
  counts: number[];
  /** The symbols in the order of their codes. */
  symbols: number[];
  /** By symbol. */
  codes: Uint16Array;
  lengths: Uint8Array;
}

/** @param frequencies 257 counts, by symbol; the last is for `RESERVED` */
export function optimalTable(frequencies: Uint32Array): EncodingTable {
  const depths = depthsOf(frequencies);
  const counts = limitDepth(depths);
  const symbols = Array.from(depths.keys())
    .filter((symbol) => depths[symbol]! > 0 && symbol !== RESERVED)
    .toSorted((a, b) => depths[a]! - depths[b]! || a - b);
  const [codes, lengths] = [new Uint16Array(256), new Uint8Array(256)];
  let [code, position] = [0, 0];
  counts.forEach((count, i) => {
    for (let end = position + count; position < end; position++, code++) {
      codes[symbols[position]!] = code;
      lengths[symbols[position]!] = i + 1;
    }
    code <<= 1;
  });
  return { counts, symbols, codes, lengths };
}

/** Joins the two rarest groups of symbols until one is left. Each symbol gets a bit for each time that it was joined. */
function depthsOf(frequencies: Uint32Array): Uint8Array {
  const depths = new Uint8Array(frequencies.length);
  let groups = Array.from(frequencies, (weight, symbol) => ({ weight, symbols: [symbol] })).filter(
    ({ weight }) => weight > 0,
  );
  groups.push({ weight: 1, symbols: [RESERVED] });
  if (groups.length === 1) groups.push({ weight: 1, symbols: [0] });
  while (groups.length > 1) {
    groups = groups.toSorted((a, b) => b.weight - a.weight || a.symbols[0]! - b.symbols[0]!);
    const [first, second] = [groups.pop()!, groups.pop()!];
    const symbols = [...first.symbols, ...second.symbols];
    for (const symbol of symbols) depths[symbol]! += 1;
    groups.push({ weight: first.weight + second.weight, symbols });
  }
  return depths;
}

/** Shortens codes of more than 16 bits, and takes away the code of the reserved symbol. @returns counts by length */
function limitDepth(depths: Uint8Array): number[] {
  const counts = Array.from({ length: MAX_DEPTH + 1 }, () => 0);
  for (const depth of depths) if (depth > 0) counts[depth]! += 1;
  for (let length = MAX_DEPTH; length > MAX_CODE_BITS;) {
    if (counts[length] === 0) {
      length -= 1;
      continue;
    }
    let shorter = length - 2;
    while (counts[shorter] === 0) shorter -= 1;
    counts[length]! -= 2;
    counts[length - 1]! += 1;
    counts[shorter + 1]! += 2;
    counts[shorter]! -= 1;
  }
  const longest = counts.findLastIndex((count) => count > 0);
  counts[longest]! -= 1;
  return counts.slice(1, MAX_CODE_BITS + 1);
}
