// The list of all users of LetsApp, in the order in which they joined.
import { useState } from "react";

import { useQuery } from "@apollo/client/react";

import { toServiceError } from "../api/errors.ts";
import { PeopleDocument, type PeopleQuery } from "../api/operations.generated.ts";
import { ErrorNote } from "../ErrorNote.tsx";
import { polling } from "../polling.ts";
import { ProfilePicture } from "../picture/ProfilePicture.tsx";
import { usePictureChanges } from "../picture/usePictureChanges.ts";
import { formatViews } from "./format-views.ts";

const USERS_PER_PAGE = 24;

type Person = PeopleQuery["users"]["edges"][number]["node"];

export function People({ meId }: { meId: string | null }) {
  const { data, error, loading, fetchMore, refetch } = useQuery(PeopleDocument, {
    variables: { first: USERS_PER_PAGE },
    fetchPolicy: "cache-and-network",
    ...polling,
    notifyOnNetworkStatusChange: true,
  });
  const [moreError, setMoreError] = useState<unknown>(null);
  const failure = error ?? moreError;

  async function showMore() {
    setMoreError(null);
    await fetchMore({ variables: { after: endCursor } }).catch(setMoreError);
  }

  const people = data?.users.edges.map(({ node }) => node) ?? [];
  usePictureChanges(people.map(({ id }) => id));
  const { hasNextPage, endCursor } = data?.users.pageInfo ?? { hasNextPage: false, endCursor: null };
  return (
    <section className="card people" aria-labelledby="people-title" aria-busy={loading}>
      <h2 id="people-title">People</h2>
      <ul>
        {people.map((person) => (
          <Row key={person.id} person={person} isMe={person.id === meId} />
        ))}
        {loading && people.length === 0 && Array.from({ length: 6 }, (_, i) => <EmptyRow key={i} />)}
      </ul>
      {Boolean(failure) && (
        <ErrorNote error={toServiceError(failure)} onRetry={() => void (error ? refetch() : showMore())} />
      )}
      {!loading && people.length === 1 && people[0]!.id === meId && (
        <p className="hint">New users will appear in this list.</p>
      )}
      {hasNextPage && (
        <button type="button" className="quiet" disabled={loading} onClick={() => void showMore()}>
          Show more
        </button>
      )}
    </section>
  );
}

function Row({ person, isMe }: { person: Person; isMe: boolean }) {
  const { username, profilePicture } = person;
  return (
    <li>
      <ProfilePicture user={person} sizePx={48} alt="" />
      <span className="who">
        <bdi className="name" title={username}>
          {username}
        </bdi>
        {isMe && <span className="badge">you</span>}
      </span>
      <span className="views">
        {profilePicture ? formatViews(profilePicture.viewCount) : "no picture yet"}
      </span>
    </li>
  );
}

function EmptyRow() {
  return (
    <li className="empty" aria-hidden>
      <span className="profile-picture" />
      <span className="bar" />
    </li>
  );
}
