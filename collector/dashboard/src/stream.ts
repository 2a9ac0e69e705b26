/**
 * The one event stream that feeds the page. The browser reconnects by itself after a lost connection but gives up after
 * an HTTP error and never says which; so an error is followed by one plain request that tells "signed out" from
 * "gone for a moment".
 */

import { signal } from "@preact/signals";
import type { State } from "./wire.ts";

export type Link = "connecting" | "live" | "reconnecting" | "signed-out";

/** The newest state, whole; the collector sends one a second. */
export const state = signal<State | null>(null);
export const link = signal<Link>("connecting");
/** Collector's clock minus this device's, so that ages do not depend on how this device is set. */
export const clockOffsetMs = signal(0);

const STREAM = "v1/admin/stream";
/** Five states missed: the connection is dead even if the browser has not noticed. */
const SILENCE_MS = 5_000;
const RETRY_MS = 2_000;

let source: EventSource | null = null;
let silence: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;

export function connect(): void {
  close();
  source = new EventSource(STREAM);
  source.addEventListener("state", (event: MessageEvent<string>) => receive(event.data));
  source.addEventListener("error", () => void lost());
  watch();
}

function receive(data: string): void {
  const next = JSON.parse(data) as State;
  clockOffsetMs.value = next.now - Date.now();
  state.value = next;
  link.value = "live";
  watch();
}

async function lost(): Promise<void> {
  close();
  link.value = state.value ? "reconnecting" : "connecting";
  if (await isSignedOut()) {
    link.value = "signed-out";
    return;
  }
  retry = setTimeout(connect, RETRY_MS);
}

async function isSignedOut(): Promise<boolean> {
  const probe = new AbortController();
  try {
    const answer = await fetch(STREAM, { signal: probe.signal, headers: { accept: "text/event-stream" } });
    return answer.status === 401 || answer.status === 403;
  } catch {
    return false;
  } finally {
    probe.abort();
  }
}

function watch(): void {
  clearTimeout(silence);
  silence = setTimeout(() => void lost(), SILENCE_MS);
}

function close(): void {
  clearTimeout(silence);
  clearTimeout(retry);
  silence = retry = undefined;
  source?.close();
  source = null;
}
