// Operations that nobody wrote: the service answers each as graphql-js does, every time.
import { execute, getOperationAST, parse, validate, type GraphQLSchema } from "graphql";
import { afterAll, beforeAll, expect, it } from "vitest";

import { operationLimits } from "../../src/graphql/guard.ts";
import { DocumentSizes } from "../../src/graphql/operation-size.ts";
import { createSchema } from "../../src/graphql/schema.ts";
import { Random } from "../fuzz/random.ts";
import { OperationMaker } from "../support/random-operations.ts";
import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

const OPERATION_COUNT = 200;

/** More often than any cache on the way would wait before it takes part. */
const TIMES = 7;

let app: TestApp;
let schema: GraphQLSchema;
let ada: Person & { mediaId: string };

beforeAll(async () => {
  app = await TestApp.start();
  schema = await createSchema(app.app.rateLimits);
  ada = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
  for (let i = 0; i < 4; i++) await app.givenPerson();
});
afterAll(() => app.stop());

it("are answered like graphql-js answers them, however often they come", async () => {
  const differing: unknown[] = [];
  let refusedCount = 0;
  for (let seed = 0; seed < OPERATION_COUNT; seed++) {
    const operation = new OperationMaker(schema, new Random(seed), [ada.user.id, ada.mediaId]).make();
    const isRefused = validate(schema, parse(operation.query), operationLimits).length > 0;
    refusedCount += isRefused ? 1 : 0;
    const expected = isRefused ? refused : await answerOfGraphQL(operation);
    for (let time = 0; time < TIMES; time++) {
      const answer = await answerOfService(operation);
      if (JSON.stringify(answer) !== JSON.stringify(expected))
        differing.push({ seed, time, operation, answer, expected });
    }
  }

  expect(differing).toEqual([]);
  expect(refusedCount).toBeLessThan(OPERATION_COUNT / 4);
}, 120_000);

it("never have more values or levels than they were measured to have", async () => {
  const underestimated: unknown[] = [];
  for (let seed = 0; seed < OPERATION_COUNT; seed++) {
    const operation = new OperationMaker(schema, new Random(seed), [ada.user.id, ada.mediaId]).make();
    const document = parse(operation.query);
    const { selectionSet } = getOperationAST(document, operation.operationName)!;
    const measured = new DocumentSizes(schema, document).measure(selectionSet, schema.getQueryType()!);
    const { data } = await run(operation);
    const actual = sizeOf(data);
    if (actual.values > measured.values || actual.depth > measured.depth)
      underestimated.push({ operation, measured, actual });
  }

  expect(underestimated).toEqual([]);
});

interface Answer {
  /** As text, so that the order of fields counts as well. */
  data: string | undefined;
  errors: { message: string; path: readonly unknown[] | undefined }[];
}

const refused: Answer = { data: undefined, errors: [] };

async function answerOfService({
  query,
  variables,
  operationName,
}: ReturnType<OperationMaker["make"]>): Promise<Answer> {
  const response = await app.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${ada.token}` },
    body: JSON.stringify({ query, variables, operationName }),
  });
  const text = await response.text();
  const { errors = [] } = JSON.parse(text) as { errors?: Answer["errors"] };
  if (response.status === 400 && validate(schema, parse(query), operationLimits).length > 0) return refused;
  // The errors come first.
  const [, data] = /"data":(.*)\}$/s.exec(text) ?? [];
  return { data, errors: errors.map(({ message, path }) => ({ message, path })) };
}

function run({ query, variables, operationName }: ReturnType<OperationMaker["make"]>) {
  return execute({
    schema,
    document: parse(query),
    variableValues: variables,
    operationName,
    contextValue: app.contextOf(ada.user.id),
  });
}

async function answerOfGraphQL(operation: ReturnType<OperationMaker["make"]>): Promise<Answer> {
  const { data, errors = [] } = await run(operation);
  return {
    data: data === undefined ? undefined : JSON.stringify(data),
    errors: errors.map(({ message, path }) => ({ message, path })),
  };
}

function sizeOf(value: unknown): { values: number; depth: number } {
  if (typeof value !== "object" || value === null) return { values: 0, depth: 0 };
  const parts = Object.values(value).map(sizeOf);
  const level = Array.isArray(value) ? 0 : 1;
  return {
    values: parts.length + parts.reduce((sum, part) => sum + part.values, 0),
    depth: level + Math.max(0, ...parts.map(({ depth }) => depth)),
  };
}
