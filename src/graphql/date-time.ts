// The scalar `DateTimeISO`, which writes each `Date` as text once. Used by the types of the graph.
import { GraphQLScalarType } from "graphql";
import { GraphQLISODateTime } from "type-graphql";

/** Records stay in memory and are shown again and again. */
const texts = new WeakMap<Date, string>();

export const DateTime = new GraphQLScalarType<Date, string>({
  ...GraphQLISODateTime.toConfig(),
  serialize(value) {
    if (!(value instanceof Date)) return GraphQLISODateTime.serialize(value) as unknown as string;
    let text = texts.get(value);
    if (text === undefined) {
      text = value.toISOString();
      texts.set(value, text);
    }
    return text;
  },
});
