// Builds the page into `dist/web`: `rest/web-page.ts` serves it from there. Run by `npm run build`.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

process.env.NODE_ENV = "production"; // Whatever it is elsewhere, as in tests: else React's own checks come along.

const outDir = path.join(import.meta.dirname, "../../dist/web");

export default defineConfig({
  root: import.meta.dirname,
  base: "./", // A proxy may serve the page under a path.
  plugins: [react(), compressed()],
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0, // The page's policy lets no script and no style stand in the page itself.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

/** Writes each asset in two compressed forms, so that nobody compresses it for each request. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      const folder = path.join(outDir, "assets");
      for (const name of await readdir(folder)) {
        const file = path.join(folder, name);
        const bytes = await readFile(file);
        await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
        await writeFile(`${file}.gz`, await promisify(gzip)(bytes));
      }
    },
  };
}
