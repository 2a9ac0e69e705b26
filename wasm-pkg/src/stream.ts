/**
 * Hears of new snapshots: server-sent events over fetch.
 *
 * Not `EventSource`: that one cannot leave out cookies and referrer, Node 20 has none, and it retries without jitter.
 */

import { pause, wait } from "./backoff.js";
import { toBytes } from "./bytes.js";
import type { Sealed } from "./envelope.js";
import type { Http } from "./http.js";

/** A snapshot before its content is fetched by its hash; the site is the one in use. */
export type Announcement = Omit<Sealed, "site" | "content">;

/** A line of the stream is at most so long: an announcement has about 400 characters. */
const MAX_LINE = 64_000;

export class Stream {
  readonly #http: Http;
  readonly #heard: (announcement: Announcement) => void;
  #abort: AbortController | undefined;

  constructor(http: Http, heard: (announcement: Announcement) => void) {
    this.#http = http;
    this.#heard = heard;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    void this.#run(this.#abort.signal);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const headers = { accept: "text/event-stream" };
        const response = await this.#http.get("/v1/stream", { signal, headers, cache: "no-store" });
        if (response.ok && response.body) {
          await this.#read(response.body.pipeThrough(new TextDecoderStream()), () => (failures = 0));
        }
      } catch {
        // The network's end or ours; both are the loop's business.
      }
      if (!signal.aborted) await wait(pause(failures), signal);
    }
  }

  async #read(body: ReadableStream<string>, alive: () => void): Promise<void> {
    const reader = body.getReader();
    let [rest, event] = ["", ""];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new Error("a line without end");
      for (const line of lines) {
        if (line === "") event = "";
        else if (line.startsWith("event:")) event = line.slice(6).trim();
        else if (line.startsWith("data:") && event === "snapshot") {
          const announcement = read(line.slice(5));
          if (announcement) {
            alive();
            this.#heard(announcement);
          }
        }
      }
    }
  }
}

function read(data: string): Announcement | null {
  try {
    const said = JSON.parse(data);
    const [hash, signature] = [toBytes(said.hash), toBytes(said.signature)];
    if (!hash || !signature) return null;
    return {
      version: BigInt(said.version),
      publishedMs: Number(said.publishedMs),
      expiresMs: Number(said.expiresMs),
      hash,
      signature,
    };
  } catch {
    return null;
  }
}
