// Waiting for what no event tells of, such as the contents of another process's log.

/** Patience with a busy machine; nothing that is tested takes a tenth of it. */
export const DEADLINE_MS = 30_000;
const LOOK_MS = 25;

/** Looks until `look` returns something true, and returns that. Past the deadline the error says what was awaited. */
export async function until(what, look) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not after ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
