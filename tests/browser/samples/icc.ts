// Writes small colour profiles: a curve for grey, or a curve and a matrix for red, green and blue.
// Source: ICC.1:2022.

/** The columns of red, green and blue in XYZ, adapted to D50. */
export const primaries = {
  srgb: [0.4361, 0.2225, 0.0139, 0.3851, 0.7169, 0.0971, 0.1431, 0.0606, 0.7142],
  displayP3: [0.5151, 0.2412, -0.0011, 0.292, 0.6922, 0.0419, 0.1571, 0.0666, 0.7841],
  adobeRgb: [0.6097, 0.3111, 0.0195, 0.2053, 0.6257, 0.0609, 0.1492, 0.0632, 0.7446],
} as const;

/** A number stands for a gamma, and a list for a table of values from 0 to 1. */
type Curve = number | readonly number[];

export function rgbProfile(columns: readonly number[], curve: Curve): Buffer {
  return profile("RGB ", [
    ...["rXYZ", "gXYZ", "bXYZ"].map((tag, i) => [tag, xyz(columns.slice(3 * i, 3 * i + 3))] as const),
    ...["rTRC", "gTRC", "bTRC"].map((tag) => [tag, curveData(curve)] as const),
  ]);
}

export function greyProfile(curve: Curve): Buffer {
  return profile("GRAY", [["kTRC", curveData(curve)]]);
}

function profile(colourSpace: string, colourTags: readonly (readonly [string, Buffer])[]): Buffer {
  const tags = [["wtpt", xyz([0.9642, 1, 0.8249])] as const, ...colourTags];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length, 0);
  let at = 128 + table.length;
  tags.forEach(([name, data], i) => {
    table.write(name, 4 + 12 * i, "latin1");
    table.writeUInt32BE(at, 8 + 12 * i);
    table.writeUInt32BE(data.length, 12 + 12 * i);
    at += data.length;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${colourSpace}XYZ `, 12, "latin1");
  header.write("acsp", 36, "latin1");
  xyz([0.9642, 1, 0.8249]).copy(header, 68, 8);
  return Buffer.concat([header, table, ...tags.map(([, data]) => data)]);
}

function xyz(values: readonly number[]): Buffer {
  const data = Buffer.alloc(20);
  data.write("XYZ ", "latin1");
  values.forEach((value, i) => data.writeInt32BE(Math.round(value * 65_536), 8 + 4 * i));
  return data;
}

function curveData(curve: Curve): Buffer {
  const values =
    typeof curve === "number" ? [Math.round(curve * 256)] : curve.map((v) => Math.round(v * 65_535));
  const data = Buffer.alloc(12 + 4 * Math.ceil(values.length / 2));
  data.write("curv", "latin1");
  data.writeUInt32BE(values.length, 8);
  values.forEach((value, i) => data.writeUInt16BE(value, 12 + 2 * i));
  return data;
}
