// Sends random operations: the service answers each one like graphql-js, also when it is repeated.
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

/** Number of times that each operation is sent: enough for every cache on the way to be used. */
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

it("random operations get the answers of graphql-js, also when they are repeated", async () => {
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

it("answers to random operations never have more values or levels than `DocumentSizes` estimates", async () => {
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
  /** JSON text, so that the comparison includes the order of fields. */
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
  // In the response, `errors` precedes `data`.
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
