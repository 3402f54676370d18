// Tells a form with files from other requests. Called by both doors.
import type { IncomingHttpHeaders } from "node:http";

export function isMultipart(headers: IncomingHttpHeaders): boolean {
  return /^multipart\/form-data\b/i.test(headers["content-type"] ?? "");
}
