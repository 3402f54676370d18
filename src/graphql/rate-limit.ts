// The directive `@rateLimit`, which shares its counters with the REST API.
import { buildASTSchema, parse, type GraphQLDirective, type GraphQLSchema } from "graphql";
import { rateLimitDirective } from "graphql-rate-limit-directive";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

import { requireActor } from "../auth/permissions.ts";
import type { RateLimits } from "../services/rate-limits.ts";
import type { RequestContext } from "./context.ts";

/**
 * Returns the directive, and the function that makes a schema obey it.
 *
 * The limiter counts each executed field, so a client cannot avoid the limit by aliases, batches, or one file for
 * several variables. The directive's arguments show the default, but the configured limit applies. The directive refuses
 * a field before its file is read. `PictureIntake` counts the upload, because a file of a wrong type does not count.
 */
export function createRateLimit(rateLimits: Pick<RateLimits, "admitUpload">): {
  directive: GraphQLDirective;
  obey: (schema: GraphQLSchema) => GraphQLSchema;
} {
  class SharedLimiter extends RateLimiterMemory {
    override async consume(userId: string | number): Promise<RateLimiterRes> {
      await rateLimits.admitUpload(String(userId));
      return new RateLimiterRes();
    }
  }

  const { rateLimitDirectiveTypeDefs, rateLimitDirectiveTransformer } = rateLimitDirective<
    RequestContext,
    never
  >({
    keyGenerator: (_directive, _source, _args, context) => requireActor(context.actor).id,
    limiterClass: SharedLimiter,
  });
  const definitions = buildASTSchema(parse(rateLimitDirectiveTypeDefs), { assumeValidSDL: true });
  return { directive: definitions.getDirective("rateLimit")!, obey: rateLimitDirectiveTransformer };
}
