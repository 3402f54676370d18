// Checks the service on a disk that is full or read-only: its errors, the data that it keeps, and its recovery without
// a restart.
import path from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { loadConfig } from "../../src/config/config.ts";
import { Database } from "../../src/database/connection.ts";
import { createStorage } from "../../src/storage/create-storage.ts";
import { CleanupJob } from "../../src/jobs/cleanup-job.ts";
import { lifecycleOf } from "../support/lifecycle.ts";
import { findingsOf, tomorrow } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import { ServerProcess } from "../support/server-process.ts";
import { canMount, SmallDisk } from "../support/small-disk.ts";
import { postPicture } from "../support/rest-client.ts";

const DISK_MEBIBYTES = 4;
const typedCodes = /^(STORAGE_UNAVAILABLE|DATABASE_UNAVAILABLE)$/;

let disk: SmallDisk;
let server: ServerProcess;
let token: string;
let userId: string;

beforeEach(async () => {
  disk = await SmallDisk.mount(DISK_MEBIBYTES);
  server = await ServerProcess.start(environment());
  token = "";
  const query = "mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }";
  const input = { username: "ada", email: "ada@example.com", password: "correct horse" };
  const { register } = (await graphql(query, { input })).data;
  token = register.token;
  userId = register.user.id;
});
afterEach(async () => {
  await server.stop("SIGKILL");
  await disk.unmount();
});

const environment = () => ({ INSTANCE_DIR: disk.folder, UPLOADS_PER_MINUTE: "1000" });

async function graphql(query: string, variables: object = {}) {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  // eslint-disable-next-line typescript/no-explicit-any
  return (await response.json()) as { data: any; errors?: { extensions: { code: string } }[] };
}

/** Uploads a picture. Resolves to the status, and the id of the new picture or the code of the error. */
async function upload(bytes: Buffer): Promise<{ status: number; media_id?: string; code?: string }> {
  const response = await postPicture(server.url, { userId: userId!, token: token! }, bytes);
  return { status: response.status, ...((await response.json()) as object) };
}

async function view(mediaId: string): Promise<number> {
  const response = await fetch(`${server.url}/api/users/media/${mediaId}`);
  await response.arrayBuffer();
  return response.status;
}

async function shown(): Promise<{ id: string; viewCount: number } | null> {
  return (await graphql("{ me { profilePicture { id viewCount } } }")).data.me.profilePicture;
}

/** The kinds of the doctor's findings: now or, with `isCleaned`, after a clean-up as of tomorrow. */
async function findings({ isCleaned }: { isCleaned: boolean }): Promise<string[]> {
  const config = loadConfig(environment());
  const database = await Database.openBeside(config.database);
  const storage = await createStorage(config.storage);
  const now = isCleaned ? tomorrow() : new Date();
  try {
    const log = { info() {}, error() {} } as never;
    const cleanup = new CleanupJob(database, lifecycleOf(database), storage, config.cleanup, log);
    if (isCleaned) await cleanup.run({ now });
    return (await findingsOf({ database, storage }, now)).map(({ kind }) => kind);
  } finally {
    await database.close();
  }
}

describe.skipIf(!canMount)("the service on a full disk", () => {
  it.each([0, 8, 40, 70, 100, 140, 200])(
    "completes or refuses an upload, and keeps its data consistent, with %i KB left",
    async (freeKilobytes) => {
      const { media_id: before } = await upload(sampleImages.portraitJpeg());
      await disk.fill(freeKilobytes * 1024);

      const answer = await upload(sampleImages.cameraJpeg());
      const picture = await shown();
      const found = await findings({ isCleaned: false });
      await disk.empty();
      const again = await upload(sampleImages.cameraJpeg());

      const done = [200, undefined, answer.media_id];
      const refused = [503, expect.stringMatching(typedCodes), before];
      expect([answer.status, answer.code, picture!.id]).toEqual(answer.status === 200 ? done : refused);
      expect(found).toEqual([]);
      expect(again.status).toBe(200);
      expect(await findings({ isCleaned: true })).toEqual([]);
    },
  );

  it("still serves pictures, counts their views, and is not ready", async () => {
    const { media_id: mediaId } = await upload(sampleImages.portraitJpeg());
    await disk.fill();

    const statuses = [await view(mediaId!), await view(mediaId!), await view(mediaId!)];
    const readyz = (await fetch(`${server.url}/readyz`)).status;
    const deletion = await graphql("mutation { deleteProfilePicture { success } }");
    const between = await shown();
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // Long enough for a flush of views to fail.
    await disk.empty();
    statuses.push(await view(mediaId!));

    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(readyz).toBe(503);
    expect(deletion.errors?.[0]?.extensions.code ?? "done").toMatch(typedCodes);
    expect(between).toEqual({ id: mediaId, viewCount: 3 });
    expect(await shown()).toEqual({ id: mediaId, viewCount: 4 });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    const { code } = await server.stop();
    server = await ServerProcess.start(environment());
    expect(code).toBe(0);
    expect(await shown()).toEqual({ id: mediaId, viewCount: 4 });
  });

  it("refuses to start, names the full disk, and starts when there is space again", async () => {
    await upload(sampleImages.portraitJpeg());
    await server.stop("SIGKILL");
    await disk.fill();

    const ended = await ServerProcess.spawn(environment()).endedWithin(30_000);
    await disk.empty();
    server = await ServerProcess.start(environment());

    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^letsapp: the disk is full .*\n$/),
    });
    expect(await shown()).toMatchObject({ viewCount: 0 });
    expect(await findings({ isCleaned: true })).toEqual([]);
  });
});

describe.skipIf(!canMount)("the service with a read-only picture folder", () => {
  it("refuses uploads, is not ready, still serves pictures, and recovers when the folder is writable", async () => {
    const pictures = await SmallDisk.mount(DISK_MEBIBYTES, path.join(disk.folder, "uploads"));
    const { media_id: mediaId } = await upload(sampleImages.portraitJpeg());
    await pictures.setReadOnly(true);

    const answer = await upload(sampleImages.cameraJpeg());
    const statuses = [await view(mediaId!), (await fetch(`${server.url}/readyz`)).status];
    await pictures.setReadOnly(false);
    const again = await upload(sampleImages.cameraJpeg());
    const found = await findings({ isCleaned: true });
    await pictures.unmount();

    expect([answer.status, answer.code]).toEqual([503, "STORAGE_UNAVAILABLE"]);
    expect(statuses).toEqual([200, 503]);
    expect(again.status).toBe(200);
    expect(found).toEqual([]);
  });
});
