import { resolve } from "node:path";
import { defineConfig, type Connect, type Plugin } from "vite";

// What a page of the shop may do. 'wasm-unsafe-eval' lets it compile the WebAssembly module and nothing else. The
// addresses to connect to are wide because the collector's is not known here; a real shop names its own.
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:; form-action 'self'; base-uri 'none'";

function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}

/** Stands in for the shop's back end under `vite`: an order is received and thanked for. The demo's server also reports it. */
function checkout(): Plugin {
  const answer: Connect.NextHandleFunction = (request, response, next) => {
    if (request.method !== "POST") return next();
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const order = new URLSearchParams(body).get("order") ?? "";
      response.writeHead(303, { location: `/thanks.html?${new URLSearchParams({ order })}` }).end();
    });
  };
  return {
    name: "checkout",
    configureServer: (server) => void server.middlewares.use("/checkout", answer),
    configurePreviewServer: (server) => void server.middlewares.use("/checkout", answer),
  };
}

export default defineConfig({
  plugins: [contentSecurityPolicy(), checkout()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "product.html", "thanks.html"].map((page) => resolve(import.meta.dirname, page)) },
  },
  server: { host: "127.0.0.1" },
  preview: { host: "127.0.0.1" },
});
