/** What a person may do to a running experiment, in words, and the request that does it. */

import { title } from "./format.ts";
import type { Action, ActionName, Experiment, Refusal } from "./wire.ts";

export interface Intent {
  action: ActionName;
  experiment: Experiment;
  variant?: string;
}

export interface Wording {
  heading: string;
  /** What happens to visitors, so that nobody has to guess before confirming. */
  consequence: string;
  button: string;
  grave: boolean;
}

export function wording({ action, experiment, variant }: Intent): Wording {
  const control = title(experiment.control);
  const arm = title(variant ?? "");
  switch (action) {
    case "pause":
      return {
        heading: `Pause “${experiment.name}”?`,
        consequence: `Everybody sees ${control} until you resume, and nothing new is counted. What was learned is kept.`,
        button: "Pause",
        grave: false,
      };
    case "resume":
      return {
        heading: `Resume “${experiment.name}”?`,
        consequence: "Visitors are shared out again by what was learned so far.",
        button: "Resume",
        grave: false,
      };
    case "stop-variant":
      return {
        heading: `Stop showing ${arm}?`,
        consequence: `Nobody new sees ${arm}; the other variants share its visitors. Its results stay in the report.`,
        button: `Stop ${arm}`,
        grave: true,
      };
    case "start-variant":
      return {
        heading: `Show ${arm} again?`,
        consequence: `${arm} takes part again from the next model on.`,
        button: `Start ${arm}`,
        grave: false,
      };
    case "declare-winner":
      return {
        heading: "Declare a winner",
        consequence: "Everybody sees the winner from the next model on, and the experiment stops counting. You can lift this later.",
        button: variant ? `Declare ${arm} the winner` : "Choose a variant first",
        grave: true,
      };
    case "lift":
      return {
        heading: `Lift the decision on “${experiment.name}”?`,
        consequence: "The experiment runs again, and visitors are shared out by what was learned.",
        button: "Lift the decision",
        grave: false,
      };
  }
}

/** Posts the action. A problem comes back as a sentence, never as an exception. */
export async function perform({ action, experiment, variant }: Intent): Promise<string | null> {
  const body: Action = { action, experiment: experiment.key, author: "dashboard" };
  if (variant) body.variant = variant;
  if (action === "lift") body.lifts = "declare-winner";
  try {
    const response = await fetch("v1/admin/actions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status === 401) return "You are signed out. Open a fresh link from “tiltwise status”.";
    if (response.ok) return null;
    const refusal = (await response.json()) as Refusal;
    return refusal.message ?? refusal.error;
  } catch {
    return "The collector did not answer. Nothing was changed, as far as this page knows; try again.";
  }
}
