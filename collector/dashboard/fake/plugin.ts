/**
 * A collector to look at without a collector: `npm run dev:fake` serves the page and plays a simulated stream.
 * The page's address picks the scene, as in `/?scene=early`; also `signed-out`, and `lossy`, which hangs up every ten seconds.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import { SimulatedShop, type Scene } from "./shop.ts";
import type { Action } from "../src/wire.ts";

export function fakeCollector(): Plugin {
  const shops = new Map<string, SimulatedShop>();
  const shopOf = (scene: string) => {
    let shop = shops.get(scene);
    if (!shop) shops.set(scene, (shop = new SimulatedShop(scene === "lossy" ? "busy" : (scene as Scene))));
    return shop;
  };
  return {
    name: "fake-collector",
    configureServer(server) {
      const beat = setInterval(() => shops.forEach((shop) => shop.step(Date.now())), 1000);
      server.httpServer?.on("close", () => clearInterval(beat));
      server.middlewares.use("/v1/admin/stream", (request, response) => {
        const scene = sceneOf(request);
        if (scene === "signed-out") return void response.writeHead(401).end();
        play(shopOf(scene), scene === "lossy", response);
      });
      server.middlewares.use("/v1/admin/actions", (request, response) => {
        void bodyOf(request).then((body) => {
          const error = shopOf(sceneOf(request)).act(JSON.parse(body) as Action);
          response.writeHead(error ? 422 : 200, { "content-type": "application/json" });
          response.end(JSON.stringify(error ? { error: "failed", message: error } : {}));
        });
      });
    },
  };
}

function play(shop: SimulatedShop, lossy: boolean, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = () => response.write(`event: state\ndata: ${JSON.stringify(shop.state())}\n\n`);
  send();
  const timer = setInterval(send, 1000);
  if (lossy) setTimeout(() => response.destroy(), 10_000);
  response.on("close", () => clearInterval(timer));
}

function sceneOf(request: IncomingMessage): string {
  return new URL(request.headers.referer ?? "http://localhost/").searchParams.get("scene") ?? "busy";
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
