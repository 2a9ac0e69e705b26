// Everything between a person and the log: a browser, a site, a door that is watched, and the collector behind it.
import { launch } from "./browser.mjs";
import { Collector } from "./collector.mjs";
import { Door } from "./door.mjs";
import { EXPERIMENTS } from "./experiments.mjs";
import { PAGES, Site } from "./site.mjs";
import { DEADLINE_MS } from "./until.mjs";

export const GRANTED = { measurement: "granted", personalization: "granted" };
export const DENIED = { measurement: "denied", personalization: "denied" };
export const CONTEXT = { device: "phone", country: "US" };

export class World {
  static async make({ experiments = EXPERIMENTS, pages = PAGES } = {}) {
    const world = new World();
    try {
      world.site = await Site.open(pages);
      world.collector = await Collector.start(experiments, world.site.origin);
      world.door = await Door.open(() => world.collector.url);
      world.browser = await launch();
      return world;
    } catch (thrown) {
      await world.end();
      throw thrown;
    }
  }

  async end() {
    await this.browser?.close();
    await this.door?.close();
    await this.collector?.remove();
    await this.site?.close();
  }

  /**
   * A person with a browser profile of their own. Global Privacy Control is told by the `browser`, to the page and with
   * every request, or only with the `request`, as an extension may.
   */
  async person({ gpc } = {}) {
    this.door.requests.length = 0;
    const context = await this.browser.newContext(gpc ? { extraHTTPHeaders: { "Sec-GPC": "1" } } : {});
    context.setDefaultTimeout(DEADLINE_MS);
    if (gpc === "browser") {
      await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true }));
    }
    return context;
  }

  /** A tab in which the package runs with these options. The page's `client` is what a test works with. */
  async visit(person, options = {}) {
    const page = await person.newPage();
    const all = { url: this.door.url, publicKeys: this.collector.publicKeys, context: CONTEXT, flushIntervalMs: 20, ...options };
    await page.goto(`${this.site.origin}/shop.html?${encodeURIComponent(JSON.stringify(all))}`);
    await page.waitForFunction(() => globalThis.client ?? globalThis.failed);
    return page;
  }

  /**
   * All that the browser had under way has arrived: a tab closes, and the request of another one, made after that, is
   * here.
   */
  async left(person, page) {
    await page.close({ runBeforeUnload: true });
    if (!page.isClosed()) await page.waitForEvent("close");
    const last = await person.newPage();
    await last.goto(`${this.door.url}/healthz`);
    await last.close();
    this.door.requests = this.door.requests.filter(({ path }) => path !== "/healthz" && path !== "/favicon.ico");
  }
}

/** Everything that a browser keeps of the site's. */
export async function stored(page) {
  const inPage = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }));
  return { ...inPage, cookies: await page.context().cookies() };
}

export const NOTHING = { local: {}, session: {}, databases: [], caches: [], workers: 0, cookies: [] };
