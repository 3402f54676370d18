// A validation rule that forbids @skip and @include at the root of a subscription, so that it has exactly one root
// field for all variables. Source: graphql-spec, pull request 860, which graphql-js follows from version 17 on.
import { GraphQLError, Kind, type DirectiveNode, type SelectionNode, type ValidationRule } from "graphql";

import { rootSelections } from "./root-selections.ts";

const conditions = new Set(["skip", "include"]);

/**
 * Checks the document when the rule is created, before graphql-js visits the document. This rule also removes the
 * directives, because a rule of graphql-js 16 evaluates them and throws if they have variables. The document is
 * rejected anyway.
 */
export const unconditionalSubscriptions: ValidationRule = (context) => {
  for (const operation of context.getDocument().definitions) {
    if (operation.kind !== Kind.OPERATION_DEFINITION || operation.operation !== "subscription") continue;
    for (const selection of rootSelections(context, operation.selectionSet)) refuseConditions(selection);
  }
  return {};

  function refuseConditions(selection: SelectionNode & { directives?: readonly DirectiveNode[] }): void {
    const isCondition = ({ name }: DirectiveNode) => conditions.has(name.value);
    const refused = selection.directives?.filter(isCondition) ?? [];
    if (refused.length === 0) return;
    const rest = selection.directives!.filter((directive) => !isCondition(directive));
    Object.assign(selection, { directives: rest });
    const message = "Remove @skip and @include: the root field of a subscription must be unconditional.";
    context.reportError(new GraphQLError(message, { nodes: refused }));
  }
};
