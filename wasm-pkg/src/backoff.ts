/** When a request is tried again. */

/** How long to wait after the n-th failure in a row: 1 s, doubling to a minute, half of it chance. */
export function pause(failures: number): number {
  const longest = Math.min(1000 * 2 ** failures, 60_000);
  return longest / 2 + (Math.random() * longest) / 2;
}

/** Resolves after `ms`, or at once when the signal says stop. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
