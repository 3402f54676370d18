// Registers users at a running server and uploads their pictures through REST.

export interface RestPerson {
  userId: string;
  token: string;
}

export async function signUp(baseUrl: string, username: string): Promise<RestPerson> {
  const query = "mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }";
  const input = { username, email: `${username}@example.com`, password: "correct horse" };
  const response = await fetch(`${baseUrl}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data } = (await response.json()) as { data: { register: { token: string; user: { id: string } } } };
  return { userId: data.register.user.id, token: data.register.token };
}

export function postPicture(
  baseUrl: string,
  { userId, token }: RestPerson,
  picture: Buffer | Blob,
  filename = "picture",
): Promise<Response> {
  const form = new FormData();
  form.set("file", Buffer.isBuffer(picture) ? new Blob([new Uint8Array(picture)]) : picture, filename);
  return fetch(`${baseUrl}/api/users/${userId}/profile-picture`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
}
