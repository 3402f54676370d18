// Builds the page into `dist/web`, from where `rest/web-page.ts` serves it.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

process.env.NODE_ENV = "production"; // Another value, as in tests, would include React's development checks.

const outDir = path.join(import.meta.dirname, "../../dist/web");

export default defineConfig({
  root: import.meta.dirname,
  base: "./", // A proxy may serve the page under a path.
  plugins: [react(), compressed()],
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0, // The content security policy forbids inline scripts and styles.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

/** Writes a Brotli and a gzip copy of each asset, so that the server does not compress them at each request. */
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
