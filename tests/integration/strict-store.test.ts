// Pictures in a store that rejects the checksum headers of Amazon's SDK, as some stores with the S3 protocol do.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { findingsOf } from "../support/findings.ts";
import * as sampleImages from "../support/sample-images.ts";
import { StrictStore } from "../support/strict-store.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

let store: StrictStore;
let app: TestApp;
const start = (env: Record<string, string> = {}) =>
  TestApp.start({
    STORAGE_URL: `s3://pictures/faces?endpoint=${store.endpoint}`,
    MEDIA_MEMORY_MB: "0",
    ...env,
  });
beforeEach(async () => {
  store = await StrictStore.start();
  app = await start();
});
afterEach(async () => {
  await app?.stop();
  await store?.stop();
});

const bytes = sampleImages.portraitJpeg();
const statusOf = async (answer: Promise<Response>) => {
  const response = await answer;
  await response.arrayBuffer();
  return response.status;
};

describe("a store that rejects checksum headers", () => {
  it("stores, shows, lists and deletes pictures, without a setting", async () => {
    const { token, mediaId } = await app.givenPersonWithPicture(bytes);
    const views = await Promise.all(
      ["", "?thumbnail=true", "?size=96&format=webp"].map((query) => statusOf(app.picture(mediaId, query))),
    );
    const head = await statusOf(app.picture(mediaId, "", {}, "HEAD"));
    const ready = await statusOf(app.fetch("/readyz"));
    const findings = await findingsOf({ database: app.app.database, storage: app.app.storage });
    await app.graphql(DELETE, {}, token);
    const { objectKey } = (await app.mediaCollection.findOne(
      {},
      { projection: { objectKey: "$filename" } },
    ))!;
    await app.app.storage.delete(objectKey);

    expect(store.rejected).toEqual([]);
    expect([...views, head, ready]).toEqual([200, 200, 200, 200, 200]);
    expect(findings).toEqual([]);
    expect(await app.app.storage.read(objectKey)).toBeNull();
  });

  it("gets the SHA-256 of each body in the signature, and can refuse a body that was changed on the way", async () => {
    const person = await app.givenPersonWithPicture(bytes);
    store.onTheWay = (body) => Buffer.concat([body.subarray(0, -1), Buffer.from([body.at(-1)! ^ 1])]);
    const changed = await app.upload({ bytes }, person.token);
    const kept = await statusOf(app.picture(person.mediaId));

    expect(changed.errors[0]!.extensions.code).toBe("STORAGE_UNAVAILABLE");
    expect(kept).toBe(200);
    for (const headers of store.puts) expect(headers["x-amz-content-sha256"]).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is not trusted with an original that has lost bytes", async () => {
    const { mediaId } = await app.givenPersonWithPicture(bytes);
    const { objectKey } = (await app.app.database.media.findById(mediaId))!;
    const key = `/pictures/faces/${objectKey}`;
    store.objects.set(key, store.objects.get(key)!.subarray(0, -1));

    expect(await statusOf(app.picture(mediaId))).toBe(503);
  });

  it("gets signed addresses without a checksum parameter", async () => {
    await app.stop();
    app = await start({ MEDIA_DELIVERY: "redirect" });
    const { mediaId } = await app.givenPersonWithPicture(bytes);

    expect(await statusOf(app.picture(mediaId))).toBe(200); // `fetch` follows the redirect to the store.
    expect(store.rejected).toEqual([]);
  });

  it("is not the target of a redirect from a user's address, whose picture may change", async () => {
    await app.stop();
    app = await start({ MEDIA_DELIVERY: "redirect" });
    const { user } = await app.givenPersonWithPicture(bytes);
    const response = await app.fetch(`/api/users/${user.id}/profile-picture`, { redirect: "manual" });

    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
  });
});
