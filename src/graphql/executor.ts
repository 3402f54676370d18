// Runs operations. A query that comes again and again is compiled to JavaScript of its own, which takes a fraction of
// the time; everything else, and what the compiler does not support, is left to graphql-js. Given to Apollo by
// `plugin.ts`.
import type { ApolloServerOptions } from "@apollo/server";
import {
  execute,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
} from "graphql";
import { compileQuery, isCompiledQuery, type CompiledQuery } from "graphql-jit";

import { BoundedCache } from "../domain/bounded-cache.ts";
import type { RequestContext } from "./context.ts";

/** Compiling costs as much as some ten executions: a query has to show first that it comes back. */
const DEFAULT_COMPILE_AFTER_COUNT = 5;

/** About 100 KB each. Clients have a few dozen; whoever makes up new ones all the time replaces his own. */
const MAX_COMPILED_COUNT = 200;

interface Operation {
  document: DocumentNode;
  /** As the client named it, whether there is one of that name or not. */
  operationName: string | undefined;
  variables: Record<string, unknown>;
  context: RequestContext;
}

type Run = CompiledQuery["query"];

/** What stands for a document that cannot be compiled, or not yet. */
type Compiled = { runs: Map<string | undefined, Run | null>; askedForCount: number };

export class Executor {
  /** Apollo keeps a document for as long as its text comes again. */
  readonly #compiled = new BoundedCache<DocumentNode, Compiled>(MAX_COMPILED_COUNT);

  constructor(
    readonly schema: GraphQLSchema,
    readonly compileAfterCount = DEFAULT_COMPILE_AFTER_COUNT,
  ) {}

  /** How many operations are compiled now. */
  get compiledCount(): number {
    return this.#compiled
      .values()
      .reduce((count, { runs }) => count + [...runs.values()].filter(Boolean).length, 0);
  }

  async execute(operation: Operation): Promise<ExecutionResult> {
    const run = this.#findRun(operation);
    if (run && this.#hasGoodVariables(operation)) {
      const result = (await run(undefined, operation.context, operation.variables)) as ExecutionResult;
      return result.errors ? { ...result, errors: result.errors.map(toGraphQLError) } : result;
    }
    const { document, operationName, variables, context } = operation;
    return execute({
      schema: this.schema,
      document,
      operationName,
      variableValues: variables,
      contextValue: context,
    });
  }

  #findRun({ document, operationName }: Operation): Run | null {
    const compiled = this.#compiled.get(document) ?? { runs: new Map(), askedForCount: 0 };
    compiled.askedForCount += 1;
    if (compiled.askedForCount === 1) this.#compiled.set(document, compiled);
    if (compiled.askedForCount <= this.compileAfterCount) return null;
    let run = compiled.runs.get(operationName);
    if (run === undefined) {
      run = this.#compile(document, operationName);
      compiled.runs.set(operationName, run);
    }
    return run;
  }

  /** Mutations do far more than running costs, and have files among their variables. */
  #compile(document: DocumentNode, operationName: string | undefined): Run | null {
    if (getOperationAST(document, operationName)?.operation !== "query" || hasEntities(document)) return null;
    const compiled = compileQuery(this.schema, document, operationName);
    return isCompiledQuery(compiled) ? compiled.query : null;
  }

  /**
   * The compiler has words of its own for those that are not, and takes one that is not given for one that is null,
   * where the default of an argument should stand.
   */
  #hasGoodVariables({ document, operationName, variables }: Operation): boolean {
    const { variableDefinitions = [] } = getOperationAST(document, operationName)!;
    if (variableDefinitions.length === 0) return true;
    const areGiven = variableDefinitions.every(
      ({ variable: { name } }) => Object.hasOwn(variables, name.value) && variables[name.value] !== null,
    );
    return areGiven && getVariableValues(this.schema, variableDefinitions, variables).errors === undefined;
  }
}

/** Of a list in which the last ones fail, the compiler would leave those out: a gateway goes by their places. */
function hasEntities(document: DocumentNode): boolean {
  let isFound = false;
  visit(document, {
    Field({ name }) {
      isFound ||= name.value === "_entities";
    },
  });
  return isFound;
}

/** The compiler's errors are of a class of its own, which others can neither change nor write as JSON. */
function toGraphQLError({ message, path, locations, originalError }: GraphQLError): GraphQLError {
  const error = new GraphQLError(message, { path: path ?? null, originalError: originalError ?? null });
  return Object.defineProperty(error, "locations", { value: locations, enumerable: true });
}

type Gateway = NonNullable<ApolloServerOptions<RequestContext>["gateway"]>;

/** Apollo lets somebody else execute only where it takes the schema from somebody else, too. */
export function asGateway(executor: Executor): Gateway {
  return {
    onSchemaLoadOrUpdate(listener) {
      listener({ apiSchema: executor.schema, coreSupergraphSdl: "" });
      return () => {};
    },
    async load() {
      return {
        executor: async ({ document, request, context }) =>
          (await executor.execute({
            document,
            operationName: request.operationName ?? undefined,
            variables: request.variables ?? {},
            context: context as RequestContext,
          })) as object,
      };
    },
    async stop() {},
  };
}
