// Shows the cost of the view journal, which keeps views when a process is killed. Measures requests a second with the
// journal and without it, in turns within one run:
//   npm run test:views -- --seconds 20
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs, promisify } from "node:util";

import { loadConfig } from "../../src/config/config.ts";
import * as sampleImages from "../support/sample-images.ts";
import { postPicture } from "../support/rest-client.ts";

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });

/** Each round has one part with the journal and one without. */
const ROUNDS = 10;
const partMs = (Number(options.seconds) * 1000) / ROUNDS / 2;

/** A client process, because a client in this one would share the server's event loop. Prints the number of answers. */
const client = `
  const http = require("node:http");
  const [url, milliseconds] = process.argv.slice(1);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const end = Date.now() + Number(milliseconds);
  let count = 0;
  const view = () => http.get(url, { agent }, (response) => {
    response.resume().on("end", () => { count += 1; if (Date.now() < end) view(); });
  });
  for (let lane = 0; lane < 16; lane++) view();
  process.on("exit", () => console.log(count));
`;

const { createApp } = await built<typeof import("../../src/app.ts")>("app");
const { ViewJournal } = await built<typeof import("../../src/views/view-journal.ts")>("views/view-journal");
const { append } = ViewJournal.prototype;
const folder = await mkdtemp(path.join(tmpdir(), "letsapp-views-"));
const app = await createApp(loadConfig({ INSTANCE_DIR: folder, PORT: "0", LOG_LEVEL: "error" }));
const url = await givenPicture(await app.start());

async function viewsPerSecond(isJournalled: boolean): Promise<number> {
  ViewJournal.prototype.append = isJournalled ? append : () => Promise.resolve();
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", client, url, String(partMs)]);
  return Number(stdout) / (partMs / 1000);
}

await viewsPerSecond(true); // The first run warms the server up.
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const [with_, without] = [await viewsPerSecond(true), await viewsPerSecond(false)];
  ratios.push(with_ / without);
  console.log(`${with_.toFixed(0).padStart(6)} views/s with the journal, ${without.toFixed(0)} without`);
}
const median = ratios.toSorted((a, b) => a - b)[ROUNDS / 2]!;
console.log(
  `\nWith the journal ${(100 * median).toFixed(1)} % of the views without it (median of ${ROUNDS}).`,
);
await app.stop();
await rm(folder, { recursive: true });

/** Imports from the built program, which the worker thread of the embedded database needs. */
function built<Module>(name: string): Promise<Module> {
  return import(new URL(`../../dist/${name}.js`, import.meta.url).href) as Promise<Module>;
}

/** Uploads a picture. @returns the URL of its thumbnail */
async function givenPicture(baseUrl: string): Promise<string> {
  const user = await app.database.users.create({
    username: "ada",
    email: "ada@example.com",
    passwordHash: "none",
  });
  const person = { userId: user.id, token: await app.tokens.issue(user.id) };
  const response = await postPicture(baseUrl, person, await sampleImages.plainJpeg());
  const { thumbnail_url: thumbnailUrl } = (await response.json()) as { thumbnail_url: string };
  return thumbnailUrl;
}
