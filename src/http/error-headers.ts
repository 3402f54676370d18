// The response headers of an error, for GraphQL and REST. Source: RFC 9110, sections 10.2.3, 11.6.1, 14.4; RFC 6750.
import type { AppError } from "../errors.ts";

export function headersOf({
  status,
  details: { limit, retryAfterSeconds },
}: AppError): Record<string, string> {
  return {
    ...(status === 416 && { "content-range": `bytes */${limit}` }),
    ...(status === 401 && { "www-authenticate": "Bearer" }),
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
}
