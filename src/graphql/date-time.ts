// The scalar `DateTimeISO`, which formats each `Date` object once.
import { GraphQLScalarType } from "graphql";
import { GraphQLISODateTime } from "type-graphql";

/** Texts by `Date` object: records stay in memory, and the same record is sent many times. */
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
