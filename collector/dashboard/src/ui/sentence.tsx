/**
 * The plain sentence. It may change every second, so it is not a live region itself: a hidden copy is, and that one
 * changes at most twice a minute, which a screen reader can be listened to beside.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { splitHeadline, typeset } from "../sentence.ts";
import type { Experiment } from "../wire.ts";

const ANNOUNCE_EVERY_MS = 30_000;

export function Sentence({ experiment }: { experiment: Experiment }) {
  const { headline, rest } = splitHeadline(experiment.sentence);
  const parts = typeset(headline, experiment.variants.map((variant) => variant.key));
  // The comparisons below say the rest for every variant.
  const saidBelow = experiment.phase === "running" && experiment.contrasts.length > 0;
  return (
    <>
      <p class="sentence">
        {parts.map((part, i) =>
          part.variant === undefined ? part.text : <span key={i} class={`marker v${part.variant % 8}`}>{part.text}</span>,
        )}
      </p>
      {rest && !saidBelow ? <p class="soft">{rest}</p> : null}
      <Announcement text={experiment.sentence} />
    </>
  );
}

function Announcement({ text }: { text: string }) {
  const [said, say] = useState(text);
  const last = useRef(Date.now());
  useEffect(() => {
    if (text === said) return;
    const wait = Math.max(0, last.current + ANNOUNCE_EVERY_MS - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      say(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, said]);
  return (
    <p class="unseen" aria-live="polite">
      {said}
    </p>
  );
}
