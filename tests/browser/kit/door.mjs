// Stands before the collector and writes down every request that comes, whoever makes it and however it ends.
//
// A browser's own record leaves out what it does by itself: preflights, beacons, requests that outlive their page. What
// arrives here is all there is.
import http from "node:http";
import { EventEmitter, once } from "node:events";
import { DEADLINE_MS } from "./until.mjs";

export class Door {
  /** `{ method, path, headers, body }` in the order of arrival. */
  requests = [];
  /** By path: what to make of the body of an answer. */
  tamper = new Map();
  /** While it is shut nothing passes, and nobody gets an answer: as without a network. */
  isShut = false;
  #server;
  #to;
  #arrived = new EventEmitter();

  /** `to` says where the collector is, at each request. */
  static async open(to) {
    const door = new Door();
    door.#to = to;
    door.#server = http.createServer((request, response) => void door.#pass(request, response));
    door.#server.listen(0, "127.0.0.1");
    await once(door.#server, "listening");
    door.url = `http://127.0.0.1:${door.#server.address().port}`;
    return door;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  /** Method and path of every request. */
  get lines() {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** The bodies of the batches that came. */
  get batches() {
    return this.requests.filter(({ method, path }) => method === "POST" && path === "/v1/e").map(({ body }) => body);
  }

  /** Resolves when `holds` does; looked at after every request. */
  async until(holds) {
    while (!holds(this)) await once(this.#arrived, "request", { signal: AbortSignal.timeout(DEADLINE_MS) });
  }

  async #pass(request, response) {
    try {
      const body = await whole(request);
      const { method, url: path, headers } = request;
      if (this.isShut) {
        response.destroy();
        return;
      }
      this.requests.push({ method, path, headers, body });
      this.#arrived.emit("request");
      const onward = http.request(this.#to() + path, { method, headers });
      // Whoever goes, here or there, the other learns of it as it would without a door.
      onward.on("error", () => response.destroy());
      response.on("close", () => onward.destroy());
      onward.on("response", (answer) => void this.#answer(path, answer, response));
      onward.end(body);
    } catch {
      response.destroy();
    }
  }

  async #answer(path, answer, response) {
    answer.on("error", () => response.destroy());
    const change = this.tamper.get(path.replace(/[0-9a-f]{64}$/, "{hash}"));
    if (!change) {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      return;
    }
    const body = change(await whole(answer));
    response.writeHead(answer.statusCode, { ...answer.headers, "content-length": body.length });
    response.end(body);
  }
}

async function whole(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
