// Detects multipart forms, which may contain files.
import type { IncomingHttpHeaders } from "node:http";

export function isMultipart(headers: IncomingHttpHeaders): boolean {
  return /^multipart\/form-data\b/i.test(headers["content-type"] ?? "");
}
