/** The one dialog: says what will happen, then does it. The browser keeps focus inside and gives it back. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { perform, wording, type Intent } from "../actions.ts";
import { title } from "../format.ts";

const intent = signal<Intent | null>(null);

export function ask(what: Intent): void {
  intent.value = what;
}

export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const current = intent.value;

  useEffect(() => {
    if (current && !dialog.current?.open) {
      setProblem(null);
      dialog.current?.showModal();
    }
  }, [current]);

  const confirm = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!current || busy) return;
    setBusy(true);
    const error = await perform(current);
    setBusy(false);
    setProblem(error);
    if (error === null) dialog.current?.close();
  };

  const words = current ? wording(current) : null;
  const choosing = current?.action === "declare-winner";
  return (
    <dialog ref={dialog} aria-labelledby="confirm-heading" aria-describedby="confirm-text" onClose={() => (intent.value = null)}>
      {current && words ? (
        <form onSubmit={(event) => void confirm(event)}>
          <h2 id="confirm-heading">{words.heading}</h2>
          <p id="confirm-text">{words.consequence}</p>
          {choosing ? <WinnerChoice current={current} /> : null}
          {problem ? (
            <p class="problem" role="alert">
              {problem}
            </p>
          ) : null}
          <div class="actions">
            <button type="button" class="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button
              type="submit"
              class={words.grave ? "button button-grave" : "button button-main"}
              data-test="confirm"
              disabled={busy || (choosing && !current.variant)}
            >
              {busy ? "Sending…" : words.button}
            </button>
          </div>
        </form>
      ) : null}
    </dialog>
  );
}

function WinnerChoice({ current }: { current: Intent }) {
  return (
    <fieldset>
      <legend>For “{current.experiment.name}”, everybody sees</legend>
      {current.experiment.variants.map((variant, index) => (
        <label key={variant.key}>
          <input
            type="radio"
            name="winner"
            value={variant.key}
            checked={current.variant === variant.key}
            onChange={() => ask({ ...current, variant: variant.key })}
          />
          <span class={`swatch v${index % 8}`} aria-hidden="true" />
          {title(variant.key)}
        </label>
      ))}
    </fieldset>
  );
}
