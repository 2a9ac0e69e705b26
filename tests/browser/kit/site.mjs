// The site that uses the package: static files from an origin that is not the collector's.
import http from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";

/** All that a page with the package needs to be allowed. */
export const POLICY = "script-src 'self' 'wasm-unsafe-eval'";

const TYPES = { ".html": "text/html; charset=utf-8", ".mjs": "text/javascript", ".js": "text/javascript", ".json": "application/json", ".css": "text/css", ".svg": "image/svg+xml" };
const here = (path) => new URL(path, import.meta.url);
/** Where a path leads: the built package, its module, what reads the golden file, and the pages. */
const PLACES = [
  ["/tiltwise/", here("../node_modules/tiltwise/dist/")],
  ["/wasm/", here("../../../wasm-pkg/wasm/page/")],
  ["/kit/", here("../../../wasm-pkg/test/kit/")],
];
export const PAGES = here("../pages/");
/** The sample shop, as its `npm run build` makes it. */
export const SHOP = here("../../../web-demo/dist/");

export class Site {
  /** What a test puts there: path to text. */
  made = new Map();
  policy = POLICY;
  #places;
  #server;

  /** Whatever has no other place is in the folder `pages`. */
  static async open(pages = PAGES) {
    const site = new Site();
    site.#places = [...PLACES, ["/", pages]];
    site.#server = http.createServer((request, response) => void site.#give(request, response));
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    // By another name than the collector's, so that the two are different sites and not only different origins.
    site.origin = `http://localhost:${site.#server.address().port}`;
    return site;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  async #give(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const [prefix, folder] = this.#places.find(([prefix]) => pathname.startsWith(prefix));
    try {
      const body = this.made.get(pathname) ?? (await readFile(new URL(pathname.slice(prefix.length), folder)));
      const type = TYPES[extname(pathname)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-security-policy": this.policy, "cache-control": "no-store" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}
