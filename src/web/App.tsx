// The page: a welcome for visitors. Signed-in users see their own picture and the list of people.
import { useEffect, useMemo } from "react";

import { ApolloProvider, useQuery } from "@apollo/client/react";

import { SignIn } from "./account/SignIn.tsx";
import { Welcome } from "./account/Welcome.tsx";
import { createClient } from "./api/client.ts";
import { MeDocument, type OwnPictureFragment } from "./api/operations.generated.ts";
import { toServiceError } from "./api/errors.ts";
import { ErrorNote } from "./ErrorNote.tsx";
import logo from "./logo.svg";
import { People } from "./people/People.tsx";
import { MyPicture } from "./picture/MyPicture.tsx";
import { polling } from "./polling.ts";
import { ProfilePicture } from "./picture/ProfilePicture.tsx";
import { usePictureChanges } from "./picture/usePictureChanges.ts";
import { session, useToken } from "./session.ts";

/** Creates an Apollo client for each token, so that the next user does not see cached data of the previous user. */
export function App() {
  const token = useToken();
  const client = useMemo(
    () =>
      createClient({
        uri: new URL("graphql", document.baseURI).href,
        getToken: () => token,
        onSignedOut: () => session.end(token),
      }),
    [token],
  );
  return (
    <ApolloProvider key={token} client={client}>
      {token ? <SignedIn token={token} /> : <SignedOut />}
    </ApolloProvider>
  );
}

function SignedOut() {
  return (
    <Frame>
      <main className="welcome">
        <Welcome />
        <SignIn />
      </main>
    </Frame>
  );
}

function SignedIn({ token }: { token: string }) {
  const { data, error, refetch } = useQuery(MeDocument, polling);
  const me = data?.me;
  usePictureChanges(me ? [me.id] : []);
  const isGone = data !== undefined && !me; // The account is deleted, but its token is still valid.
  useEffect(() => {
    scrollTo(0, 0); // The user may have scrolled down to the sign-in form.
  }, []);
  useEffect(() => {
    if (isGone) session.end(token);
  }, [isGone, token]);
  return (
    <Frame me={me}>
      <main className="home">
        {error && !me && <ErrorNote error={toServiceError(error)} onRetry={() => void refetch()} />}
        {me && <MyPicture me={me} />}
        {!me && !error && <section className="card mine empty" aria-busy aria-label="Your picture" />}
        <People meId={me?.id ?? null} />
      </main>
    </Frame>
  );
}

function Frame({ me, children }: { me?: OwnPictureFragment | null | undefined; children: React.ReactNode }) {
  return (
    <>
      <header>
        <a className="brand" href=".">
          <img src={logo} alt="" width="32" height="32" />
          LetsApp
        </a>
        {me && (
          <div className="account">
            <ProfilePicture user={me} sizePx={32} alt="" />
            <bdi className="name">{me.username}</bdi>
            <button type="button" className="quiet" onClick={() => session.end()}>
              Sign out
            </button>
          </div>
        )}
      </header>
      {children}
      <footer>
        <p>
          JPG, PNG and GIF up to 800 KB. We remove the location and camera data of a photo before anyone sees
          it.
        </p>
        <a href="playground">API playground</a>
      </footer>
    </>
  );
}
