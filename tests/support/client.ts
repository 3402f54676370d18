// A minimal GraphQL client: takes typed documents, and sends files as the GraphQL multipart request specification says.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";

export class Client {
  token: string | undefined;

  constructor(readonly baseUrl: string) {}

  /** @throws Error with the first error's code and message */
  async execute<Result, Variables extends object>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result> {
    const response = await fetch(`${this.baseUrl}/graphql`, {
      method: "POST",
      headers: {
        "apollo-require-preflight": "true",
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...("file" in variables ? {} : { "content-type": "application/json" }),
      },
      body: toBody(print(document), variables),
    });
    const { data, errors } = (await response.json()) as {
      data: Result;
      errors?: { message: string; extensions: { code: string } }[];
    };
    if (errors) throw new Error(`${errors[0]!.extensions.code}: ${errors[0]!.message}`);
    return data;
  }
}

function toBody(query: string, variables: object): string | FormData {
  if (!("file" in variables)) return JSON.stringify({ query, variables });
  const form = new FormData();
  form.set("operations", JSON.stringify({ query, variables: { ...variables, file: null } }));
  form.set("map", JSON.stringify({ 0: ["variables.file"] }));
  form.set("0", variables.file as Blob, "picture.jpg");
  return form;
}
