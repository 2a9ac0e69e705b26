import { defineConfig, type Plugin } from "vite";
import { fakeCollector } from "./fake/plugin.ts";

// What the built page may do: run and style itself, and talk to the collector that served it. The development server
// needs inline scripts, so the rule is written into the built page only.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'";

function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}

export default defineConfig(({ mode }) => ({
  // Relative, so that the admin listener may stand behind a path of a reverse proxy.
  base: "./",
  plugins: [contentSecurityPolicy(), mode === "fake" ? fakeCollector() : null],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1" },
}));
