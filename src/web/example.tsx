// The example in README.md under "Use it from your React app". A test keeps both equal. Type-checked with the page.
import { ApolloProvider, useQuery } from "@apollo/client/react";

import { createClient } from "./api/client.ts";
import { explain } from "./api/errors.ts";
import { MeDocument } from "./api/operations.generated.ts";
import { ProfilePicture } from "./picture/ProfilePicture.tsx";
import { useProfilePictureUpload } from "./picture/useProfilePictureUpload.ts";

const client = createClient({
  uri: "https://pictures.example/graphql",
  getToken: () => localStorage.getItem("token"),
  onSignedOut: () => location.assign("/sign-in"),
});

export const App = () => (
  <ApolloProvider client={client}>
    <MyPicture />
  </ApolloProvider>
);

function MyPicture() {
  const { data } = useQuery(MeDocument);
  const { state, upload, cancel } = useProfilePictureUpload();
  if (!data?.me) return null;
  return (
    <>
      <ProfilePicture user={data.me} sizePx={96} />
      <input type="file" onChange={({ target }) => target.files?.[0] && upload(target.files[0])} />
      {state.status === "sending" && <button onClick={cancel}>Cancel at {state.progress * 100} %</button>}
      {state.status === "failed" && <p role="alert">{explain(state.error)}</p>}
    </>
  );
}
