// The cache policy for a list that the page loads in parts.
import type { FieldMergeFunction, FieldPolicy } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

interface Pages {
  edges: { cursor?: string }[];
  pageInfo: { endCursor?: string | null };
}

const pages = relayStylePagination() as FieldPolicy;
const mergePages = pages.merge as FieldMergeFunction<Pages>;

/** Like `relayStylePagination`, but keeps the following pages when polling fetches the first page again. */
export const keptPages: FieldPolicy = {
  ...pages,
  merge(existing: Pages | undefined, incoming: Pages, options) {
    const merged = mergePages(existing, incoming, options);
    if (!existing || options.args?.after) return merged;
    const end = existing.edges.findIndex(({ cursor }) => cursor === incoming.pageInfo.endCursor);
    if (end === -1) return merged;
    return { edges: [...merged.edges, ...existing.edges.slice(end + 1)], pageInfo: existing.pageInfo };
  },
};
