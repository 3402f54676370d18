// Amazon S3, and servers that speak its protocol. `create-storage.ts` loads this file, and the SDK with it, only when
// S3 is configured.
import { addAbortSignal, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

import type { BucketConfig } from "../config/config.ts";
import type { Bucket } from "./bucket-storage.ts";

/** The region in signatures for S3 servers without regions, which accept any region. */
const ANY_REGION = "us-east-1";

/**
 * Keeps the SDK from adding checksum headers, which some servers other than Amazon's reject. The SDK still signs the
 * SHA-256 of each uploaded body, and `assertSize` still checks the length of an original.
 */
const withoutChecksums = {
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
} as const;

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Amazon's SDK finds the credentials: in environment variables, in files, or through the machine's role.
 *
 * @throws Error when no region is configured, because every request would fail
 */
export async function createS3Bucket({ bucket, region, endpoint }: BucketConfig): Promise<Bucket> {
  const client = new S3Client({
    ...(endpoint !== null && { endpoint, forcePathStyle: true, region: ANY_REGION, ...withoutChecksums }),
    ...(region !== null && { region }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
  await assertRegion(client, bucket);
  refuseAnswersOfOthers(client);
  const get = async (Key: string, abortSignal: AbortSignal) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }), { abortSignal });
      return await buffer(addAbortSignal(abortSignal, Body as Readable));
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  };
  return {
    // The bucket's policy controls access: without an ACL, no object can be public by mistake.
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    },
    sign(Key, { contentType, contentDisposition }, expiresIn) {
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key,
        ResponseContentType: contentType,
        ResponseContentDisposition: contentDisposition,
      });
      return getSignedUrl(client, command, { expiresIn });
    },
    get,
    async getSizeBytes(key, signal) {
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal: signal,
        });
        return ContentLength!;
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
        // A response to HEAD has no body that says whether the object is missing. A response to GET does.
        return (await get(key, signal))?.length ?? null;
      }
    },
    async delete(Key, abortSignal) {
      const command = new DeleteObjectCommand({ Bucket: bucket, Key });
      const { $metadata } = await client.send(command, { abortSignal });
      // Amazon answers 204. A 200 may come from another S3 server, or from a proxy in front of one that is down.
      const isGone = $metadata.httpStatusCode === 204 || (await get(Key, abortSignal)) === null;
      if (!isGone) throw new Error("the object still exists after its deletion");
    },
    async listPage(Prefix, ContinuationToken) {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, ContinuationToken }));
      const objects = (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
        objectKey: Key!,
        sizeBytes: Size!,
        modifiedAt: LastModified!,
      }));
      return { objects, next: page.NextContinuationToken };
    },
  };
}

async function assertRegion(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    const advice = "add ?region= to the address, or set AWS_REGION";
    throw new Error(`the region of s3://${bucket} is not known: ${advice}`, { cause });
  }
}

/**
 * For each command, a test that is true for a response of the store itself. A proxy in front of a store that is down
 * may answer 200.
 */
const answersOfStores = new Map<string | undefined, (output: AnyOutput) => unknown>([
  ["PutObjectCommand", ({ ETag }) => ETag],
  ["GetObjectCommand", ({ ETag }) => ETag],
  ["HeadObjectCommand", ({ ETag }) => ETag],
  ["ListObjectsV2Command", ({ Name, IsTruncated }) => Name ?? IsTruncated !== undefined],
]);

interface AnyOutput {
  ETag?: string;
  Name?: string;
  IsTruncated?: boolean;
}

function refuseAnswersOfOthers(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (request) => {
        const answer = await next(request);
        const isOfStore = answersOfStores.get(commandName) ?? (() => true);
        if (!isOfStore(answer.output as AnyOutput)) throw new Error("response is not from the object store");
        return answer;
      },
    // Runs after the step that signs an address: signing ends there, without a response.
    { step: "deserialize", priority: "high" },
  );
}
