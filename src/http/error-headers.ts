// Headers that belong to an error, whichever door it comes from. Source: RFC 9110, sections 10.2.3 and 11.6.1; RFC 6750.
import type { AppError } from "../errors.ts";

export function headersOf({ status, details: { retryAfterSeconds } }: AppError): Record<string, string> {
  return {
    ...(status === 401 && { "www-authenticate": "Bearer" }),
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
}
