// Amazon S3, or what speaks its protocol. Loaded by `create-storage.ts` when it is configured, and else not at all.
import { addAbortSignal, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  S3Client,
} from "@aws-sdk/client-s3";
import { S3Driver } from "flydrive/drivers/s3";

import type { BucketConfig } from "../config/config.ts";
import type { Bucket } from "./bucket-storage.ts";

/** Of S3 servers that have no regions, whatever is signed is right. */
const ANY_REGION = "us-east-1";

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Credentials are looked for where Amazon's SDK does: variables, files, the machine's own role.
 *
 * @throws Error where there is no region: nothing could be asked for
 */
export async function createS3Bucket({ bucket, region, endpoint }: BucketConfig): Promise<Bucket> {
  const client = new S3Client({
    ...(endpoint !== null && { endpoint, forcePathStyle: true, region: ANY_REGION }),
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
  // The bucket's own policy says who sees what: nothing is sent that could open an object to everybody.
  const driver = new S3Driver({ client, bucket, visibility: "private", supportsACL: false });
  // Not the driver's: it goes on where nobody waits any more, on one of fifty connections that others want.
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
    driver,
    get,
    async getSizeBytes(key, signal) {
      try {
        return (await driver.getMetaData(key)).contentLength;
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
        return (await get(key, signal))?.length ?? null; // The answer has no body that would say what is not found.
      }
    },
    async delete(Key, abortSignal) {
      const command = new DeleteObjectCommand({ Bucket: bucket, Key });
      const { $metadata } = await client.send(command, { abortSignal });
      // Amazon says 204. Some servers say 200, and so does whatever stands before one that is away.
      const isGone = $metadata.httpStatusCode === 204 || (await get(Key, abortSignal)) === null;
      if (!isGone) throw new Error("it was not deleted");
    },
    // Not the driver's: it loses the sizes.
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

/** What tells the store's own answers from those of whatever stands before it, and may say 200 in its place. */
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
        if (!isOfStore(answer.output as AnyOutput)) throw new Error("what answered is no object store");
        return answer;
      },
    { step: "deserialize", priority: "high" }, // Behind the step in which an address is signed: there is no answer then.
  );
}
