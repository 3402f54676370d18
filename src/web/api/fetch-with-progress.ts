// Reports how much of a request has been sent. Uses XMLHttpRequest, because `fetch` does not report it.

export interface ProgressInit extends RequestInit {
  /** Called with the share of the body that has been sent, 0 to 1. */
  onProgress?: (share: number) => void;
}

/** Works like `fetch`, and reports progress if `onProgress` is given. */
export function fetchWithProgress(input: RequestInfo | URL, init: ProgressInit = {}): Promise<Response> {
  const { onProgress, signal } = init;
  if (!onProgress) return fetch(input, init);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(init.method ?? "GET", String(input));
    for (const [name, value] of new Headers(init.headers)) request.setRequestHeader(name, value);
    request.responseType = "blob";
    request.withCredentials = init.credentials === "include";
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded / total));
    request.addEventListener("load", () => {
      try {
        resolve(toResponse(request));
      } catch (error) {
        reject(error as Error); // `Response` does not accept the status.
      }
    });
    request.addEventListener("error", () => reject(new TypeError("Failed to fetch")));
    request.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    if (signal?.aborted) return reject(new DOMException("Aborted", "AbortError"));
    request.send(init.body as XMLHttpRequestBodyInit);
  });
}

/** Statuses whose answers have no body. Source: the Fetch standard, "null body status". */
const bodilessStatuses = new Set([204, 205, 304]);

function toResponse(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const name of ["content-type", "retry-after"]) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  const body = bodilessStatuses.has(request.status) ? null : (request.response as Blob);
  return new Response(body, { status: request.status, headers });
}
