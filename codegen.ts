// npm run codegen: generates `schema.graphql` from the resolvers, and typed documents from the GraphQL operations of
// the web page and the tests. The option `--check` writes nothing, and fails if a generated file is not up to date.
import { readFile, writeFile } from "node:fs/promises";

import { preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import { buildSchema, parse } from "graphql";
import { format } from "prettier";

import { createSchema, printSchema } from "./src/graphql/schema.ts";
import { operations } from "./tests/support/operations.ts";

/** The preset generates three files. Only the one with the documents is kept: it does not import the others. */
const PRESET_FOLDER = "generated/";
const PRESET_FILE = `${PRESET_FOLDER}graphql.ts`;

/** Files with GraphQL operations. The typed documents of each are written into a file beside it. */
const sources: { location: string; read: () => Promise<readonly string[]> }[] = [
  { location: "tests/support/operations.ts", read: async () => operations },
  {
    location: "src/web/api/operations.graphql",
    read: async () => [await readFile("src/web/api/operations.graphql", "utf8")],
  },
];

/** The text of every generated file, by its path. */
async function generate(): Promise<Map<string, string>> {
  const schemaText = printSchema(await createSchema({ admitUpload: () => Promise.resolve() }));
  const files = new Map([["schema.graphql", schemaText]]);
  for (const { location, read } of sources) {
    const generated = location.replace(/\.\w+$/, ".generated.ts");
    files.set(generated, await generateDocuments(schemaText, location, await read()));
  }
  return files;
}

async function generateDocuments(
  schemaText: string,
  location: string,
  texts: readonly string[],
): Promise<string> {
  const sections = await preset.buildGeneratesSection({
    schema: parse(schemaText),
    schemaAst: buildSchema(schemaText),
    documents: texts.map((rawSDL) => ({ location, rawSDL, document: parse(rawSDL) })),
    baseOutputDir: PRESET_FOLDER,
    presetConfig: { fragmentMasking: false },
    config: { useTypeImports: true, enumsAsTypes: true, scalars: { Upload: "Blob", DateTimeISO: "string" } },
    plugins: [],
    pluginMap: {},
  });
  const section = sections.find(({ filename }) => filename === PRESET_FILE);
  if (!section) throw new Error(`the client preset did not generate ${PRESET_FILE}`);
  return `// Made by \`npm run codegen\`.\n${await codegen(section)}`;
}

const isCheck = process.argv.includes("--check");
const stale: string[] = [];
for (const [file, raw] of await generate()) {
  const text = await format(raw, { filepath: file, printWidth: 110 });
  const current = await readFile(file, "utf8").catch(() => null);
  if (current === text) continue;
  stale.push(file);
  if (!isCheck) await writeFile(file, text);
}
if (stale.length === 0) console.log("Generated files are up to date.");
else console.log(`${isCheck ? "Not up to date" : "Written"}: ${stale.join(", ")}`);
if (isCheck && stale.length > 0) {
  console.error("Run: npm run codegen");
  process.exit(1);
}
