// Baseline for an upload server: receives the form, does the image work and stores nothing. Runs as a separate process
// and prints its address.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import busboy from "busboy";

import { workOnPicture } from "./image-work.ts";

const server = http.createServer((request, response) => {
  const form = busboy({ headers: request.headers });
  form.on("file", (_name, file) => {
    void buffer(file)
      .then(workOnPicture)
      .then(() => response.end("{}"));
  });
  request.pipe(form);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
