// Starts a client with the options in the address and writes down what it tells.
import { createClient } from "/tiltwise/index.js";

globalThis.seen = { exposures: [], updates: [], errors: [], violations: [] };
document.addEventListener("securitypolicyviolation", (event) => seen.violations.push(event.effectiveDirective));
try {
  const client = createClient(JSON.parse(decodeURIComponent(location.search.slice(1))));
  client.on("exposure", (variant) => seen.exposures.push(variant));
  client.on("update", (update) => seen.updates.push(update));
  client.on("error", ({ code, message }) => seen.errors.push({ code, message }));
  globalThis.client = client;
} catch (thrown) {
  globalThis.failed = String(thrown);
}
