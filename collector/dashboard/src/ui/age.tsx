import { now } from "../clock.ts";
import { age } from "../format.ts";

/** Its own component, so that the tick redraws these few letters and nothing else. */
export function Age({ since }: { since: number }) {
  return <span class="figure age">{age(now.value - since)}</span>;
}
