// Lists the selections at the root of an operation, including the selections in fragments.
import {
  Kind,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

/** Yields each selection once, a fragment before its own selections. Unknown fragments have no selections. */
export function* rootSelections(
  context: ValidationContext,
  { selections }: SelectionSetNode,
  seen = new Set<FragmentDefinitionNode>(),
): Generator<SelectionNode> {
  for (const selection of selections) {
    yield selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) yield* rootSelections(context, selection.selectionSet, seen);
    if (selection.kind !== Kind.FRAGMENT_SPREAD) continue;
    const fragment = context.getFragment(selection.name.value);
    if (!fragment || seen.has(fragment)) continue;
    seen.add(fragment);
    yield* rootSelections(context, fragment.selectionSet, seen);
  }
}
