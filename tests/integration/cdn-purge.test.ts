// Purge requests to the CDN: when and how often they are sent, and how they are retried when the CDN fails.
import { describe, expect, it, type TestContext } from "vitest";

import { secondDatabaseUri } from "../support/database.ts";
import { PurgeListener } from "../support/purge-listener.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp } from "../support/test-app.ts";

const RESTORE = "mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { success } }";

async function start({ expect, onTestFinished }: TestContext, env: Record<string, string> = {}) {
  const cdn = await PurgeListener.start();
  const app = await TestApp.start({ CDN_PURGE_URL: `${cdn.url}/purge/{key}`, ...withUrl(env, cdn) });
  onTestFinished(async () => {
    cdn.answer = 200;
    await app.stop();
    await cdn.stop();
  });
  /** Waits until every purge has succeeded, the repeated ones included. */
  const isQuiet = async () => {
    await expect.poll(() => app.app.cdnPurge!.waitingCount, { timeout: 10_000 }).toBe(0);
  };
  return { cdn, app, isQuiet };
}

function withUrl(env: Record<string, string>, { url }: PurgeListener): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace("CDN", url)]));
}

// Concurrent, because each test waits seconds for the repeated purge. The kind of database does not matter.
describe.skipIf(secondDatabaseUri() !== undefined).concurrent("a purge", () => {
  it("is sent for picture and owner at once, and again when no process shows the picture", async (context) => {
    const { app, cdn, isQuiet } = await start(context);
    const { token, user, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();
    cdn.purges.length = 0;

    const { data } = await app.graphql(DELETE, {}, token);
    await context.expect
      .poll(() => cdn.counts, { timeout: 1_500 })
      .toEqual({ [`/purge/media-${mediaId}`]: 1, [`/purge/user-${user.id}`]: 1 });
    await isQuiet();

    expect(data.deleteProfilePicture.success).toBe(true);
    expect(cdn.counts).toEqual({ [`/purge/media-${mediaId}`]: 2, [`/purge/user-${user.id}`]: 2 });
    expect(cdn.purges.every(({ method, body }) => method === "PURGE" && body === "")).toBe(true);
  });

  it("is sent after a replacement and a restoration, not after a query, view or refused upload", async (context) => {
    const { app, cdn, isQuiet } = await start(context);
    const { token, user, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();
    cdn.purges.length = 0;

    await app.givenPerson();
    await app.graphql("{ me { profilePicture { id viewCount } } }", {}, token);
    await (await app.picture(mediaId)).arrayBuffer();
    await app.upload({ bytes: Buffer.from("no picture") }, token);
    await isQuiet();
    expect(cdn.purges).toEqual([]);

    const { data } = await app.upload({ bytes: sampleImages.portraitJpeg() }, token);
    const nextId = data.uploadProfilePicture.media.id;
    await isQuiet();
    expect(Object.keys(cdn.counts).toSorted()).toEqual([`/purge/media-${mediaId}`, `/purge/user-${user.id}`]);

    cdn.purges.length = 0;
    await app.graphql(RESTORE, { id: mediaId }, token);
    await isQuiet();
    expect(Object.keys(cdn.counts).toSorted()).toEqual([`/purge/media-${nextId}`, `/purge/user-${user.id}`]);
  });

  it("has the method, the header and the body that are configured", async (context) => {
    const { app, cdn, isQuiet } = await start(context, {
      CDN_PURGE_URL: "CDN/zones/1/purge_cache",
      CDN_PURGE_METHOD: "POST",
      CDN_PURGE_HEADER: "Authorization: Bearer cdn-secret",
      CDN_PURGE_BODY: '{"tags":["{key}"]}',
    });
    const { user } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();

    const [purge] = cdn.purges;
    expect(purge).toMatchObject({ method: "POST", path: "/zones/1/purge_cache" });
    expect(purge!.headers).toMatchObject({
      authorization: "Bearer cdn-secret",
      "content-type": "application/json",
    });
    expect(JSON.parse(purge!.body)).toEqual({ tags: [`user-${user.id}`] });
  });

  it.for([
    ["fails (500)", 500],
    ["rejects the credentials (401)", 401],
    ["redirects (302)", 302],
  ] as const)("is retried until it succeeds when the CDN %s", async ([, status], context) => {
    const { app, cdn, isQuiet } = await start(context);
    const { token, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();
    cdn.answer = status;

    await app.graphql(DELETE, {}, token);
    await context.expect.poll(() => app.app.cdnPurge!.totals.failed).toBeGreaterThan(2);
    cdn.answer = 200;
    cdn.purges.length = 0;
    await isQuiet();

    expect(cdn.counts[`/purge/media-${mediaId}`]).toBeGreaterThan(0);
  });

  it("does not wait behind another one that the CDN always refuses", async (context) => {
    const { app, cdn, isQuiet } = await start(context);
    const [unlucky, other] = [
      await app.givenPersonWithPicture(sampleImages.portraitJpeg()),
      await app.givenPersonWithPicture(sampleImages.portraitJpeg()),
    ];
    await isQuiet();
    cdn.refused = `/purge/media-${unlucky.mediaId}`;
    await app.graphql(DELETE, {}, unlucky.token);
    // After four attempts, the back-off delays the next one by seconds.
    await context.expect.poll(() => cdn.counts[cdn.refused!], { timeout: 10_000 }).toBeGreaterThanOrEqual(4);

    await app.graphql(DELETE, {}, other.token);

    await context.expect.poll(() => cdn.counts[`/purge/media-${other.mediaId}`], { timeout: 1_000 }).toBe(1);
    expect(app.app.cdnPurge!.waitingCount).toBeGreaterThan(0);
    cdn.refused = null;
    await isQuiet();
  });

  it("delays neither an answer nor the stop of the service when the CDN does not respond", async (context) => {
    const { app, cdn, isQuiet } = await start(context);
    const { token, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();
    cdn.answer = "nothing";

    const { data } = await app.graphql(DELETE, {}, token);
    const gone = await app.picture(mediaId);

    expect(data.deleteProfilePicture.success).toBe(true);
    expect(gone.status).toBe(404);
    expect(app.app.cdnPurge!.totals.failed).toBe(0); // The purge has not timed out yet: no answer waited for it.
    const startedAtMs = performance.now();
    expect(await app.app.cdnPurge!.close()).toBeGreaterThan(0);
    expect(performance.now() - startedAtMs).toBeLessThan(6_500);
  });

  it("is sent again by the next process, because the last one may have been killed before it", async (context) => {
    const { app, cdn, isQuiet } = await start(context);
    const { token, user, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();
    await app.graphql(DELETE, {}, token);
    await isQuiet();
    cdn.purges.length = 0;

    await app.app.cdnPurge!.start(app.app.database.media);
    await isQuiet();

    expect(cdn.counts).toEqual({ [`/purge/media-${mediaId}`]: 2, [`/purge/user-${user.id}`]: 2 });
  });

  it("is counted in the metrics", async (context) => {
    const { app, isQuiet } = await start(context);
    await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    await isQuiet();

    const text = await (await app.fetch("/metrics")).text();

    expect(text).toContain('edge_purges_total{result="purged"} 2');
    expect(text).toContain("edge_purges_waiting 0");
  });
});

describe.concurrent("tags", () => {
  it("are on every answer about a picture that a cache may store, also on 304", async (context) => {
    const { app } = await start(context);
    const { user, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const first = await app.picture(mediaId);
    await first.arrayBuffer();
    const answers = [
      first,
      await app.picture(mediaId),
      await app.picture(mediaId, "?size=96"),
      await app.picture(mediaId, "?thumbnail=true"),
      await app.picture(mediaId, "", { "if-none-match": first.headers.get("etag")! }),
      await app.picture(mediaId, "", { range: "bytes=0-9" }),
      await app.picture(mediaId, "", {}, "HEAD"),
      await app.fetch(`/api/users/${user.id}/profile-picture`),
    ];
    const { user: other } = await app.givenPerson();
    const initials = await app.fetch(`/api/users/${other.id}/profile-picture`);

    for (const { headers } of answers) {
      expect(headers.get("surrogate-key")).toBe(`media-${mediaId} user-${user.id}`);
      expect(headers.get("cache-tag")).toBe(`media-${mediaId},user-${user.id}`);
    }
    expect(initials.headers.get("surrogate-key")).toBe(`user-${other.id}`);
  });

  it("are left out when no CDN is configured, because they reveal a picture's owner", async ({
    onTestFinished,
  }) => {
    const app = await TestApp.start();
    onTestFinished(() => app.stop());
    const { user, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());

    const picture = await app.picture(mediaId);
    const current = await app.fetch(`/api/users/${user.id}/profile-picture`);

    for (const { headers } of [picture, current]) {
      expect(headers.get("surrogate-key")).toBeNull();
      expect(headers.get("cache-tag")).toBeNull();
    }
    expect(app.app.cdnPurge).toBeNull();
  });
});
