// The directive `@rateLimit`, counted by the policy that the plain HTTP door uses too. Called by `schema.ts`.
import { buildASTSchema, parse, type GraphQLDirective, type GraphQLSchema } from "graphql";
import { rateLimitDirective } from "graphql-rate-limit-directive";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

import type { RateLimits } from "../services/rate-limits.ts";
import { requireUser, type RequestContext } from "./context.ts";

/**
 * The directive, and the function that makes a schema obey it.
 *
 * It runs once for each executed field, so aliases, batches and one file for many variables gain nothing. Its
 * arguments show the default; what counts is the configured number.
 */
export function createRateLimit(rateLimits: Pick<RateLimits, "consumeUpload">): {
  directive: GraphQLDirective;
  obey: (schema: GraphQLSchema) => GraphQLSchema;
} {
  class SharedLimiter extends RateLimiterMemory {
    override async consume(userId: string | number): Promise<RateLimiterRes> {
      await rateLimits.consumeUpload(String(userId));
      return new RateLimiterRes();
    }
  }

  const { rateLimitDirectiveTypeDefs, rateLimitDirectiveTransformer } = rateLimitDirective<
    RequestContext,
    never
  >({
    keyGenerator: (_directive, _source, _args, context) => requireUser(context),
    limiterClass: SharedLimiter,
  });
  const definitions = buildASTSchema(parse(rateLimitDirectiveTypeDefs), { assumeValidSDL: true });
  return { directive: definitions.getDirective("rateLimit")!, obey: rateLimitDirectiveTransformer };
}
