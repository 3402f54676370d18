// What an operation may be at most. Used by both ways to the graph: `plugin.ts` and `live-door.ts`.
import type { ApolloServerOptions } from "@apollo/server";
import { ApolloArmor } from "@escape.tech/graphql-armor";

import type { RequestContext } from "./context.ts";
import { unconditionalSubscriptions } from "./unconditional-subscriptions.ts";

/** What the deepest useful query needs, and some; introspection is exempt. */
const MAX_DEPTH = 10;
const MAX_ALIASES = 30;
const MAX_DIRECTIVES = 20;

/** Of a document's text; graphql-js counts while it parses. */
export const MAX_TOKENS = 1000;

/** A list of 100 with pictures and their uploaders comes to 5,300 in the guard's own units. */
const MAX_COST = 20_000;

export type Guard = Required<Pick<ApolloServerOptions<RequestContext>, "plugins" | "validationRules">>;

export function createGuard(): Guard {
  const armor = new ApolloArmor({
    maxDepth: { n: MAX_DEPTH },
    maxAliases: { n: MAX_ALIASES },
    maxDirectives: { n: MAX_DIRECTIVES },
    costLimit: { maxCost: MAX_COST },
    maxTokens: { enabled: false }, // It would parse twice and answer 500.
    blockFieldSuggestion: { enabled: false }, // Where introspection is off, format-error.ts hides suggestions.
  }).protect();
  // Its types come from Apollo's CommonJS build.
  const { plugins = [], validationRules = [] } = armor as unknown as Partial<Guard>;
  return { plugins, validationRules: [...validationRules, unconditionalSubscriptions] };
}
