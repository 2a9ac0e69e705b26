/**
 * Where the collector is and which keys sign its snapshots. The server says it, in `config.js` or in a meta element:
 * `<meta name="tiltwise" content='{"url":"https://collector.example","publicKeys":["…"]}'>`.
 */

export interface Config {
  url: string;
  publicKeys: string[];
  /** A snapshot that came with the page, so that the first choice needs no request. */
  bootstrap?: string;
}

declare global {
  interface Window {
    __TILTWISE__?: unknown;
  }
}

export function readConfig(page: Window): Config {
  const meta = page.document.querySelector<HTMLMetaElement>('meta[name="tiltwise"]')?.content;
  return parseConfig(meta ? (JSON.parse(meta) as unknown) : page.__TILTWISE__);
}

export function parseConfig(given: unknown): Config {
  const { url, publicKeys, bootstrap } = (given ?? {}) as Partial<Record<keyof Config, unknown>>;
  if (typeof url !== "string" || !Array.isArray(publicKeys)) {
    throw new Error(`The page names no collector: config.js must set { url, publicKeys }, and it says ${JSON.stringify(given)}.`);
  }
  const config: Config = { url, publicKeys: publicKeys.map(String) };
  if (typeof bootstrap === "string") config.bootstrap = bootstrap;
  return config;
}
