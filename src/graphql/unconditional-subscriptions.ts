// Subscriptions have one root field, whatever their variables say: @skip and @include have no place beside it. Used by
// `guard.ts`. Source: graphql-spec, pull request 860; graphql-js obeys it from version 17 on.
import { GraphQLError, Kind, type DirectiveNode, type SelectionNode, type ValidationRule } from "graphql";

import { rootSelections } from "./root-selections.ts";

const conditions = new Set(["skip", "include"]);

/**
 * It does its work when it is made, before the document is visited: graphql-js 16 has a rule that looks at these
 * directives, and throws where they have variables. They are taken away for that; the document is refused all the same.
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
    const message = "The root field of a subscription bears neither @skip nor @include.";
    context.reportError(new GraphQLError(message, { nodes: refused }));
  }
};
