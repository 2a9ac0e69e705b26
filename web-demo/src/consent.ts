/** What the visitor allowed. Kept only once somebody has chosen; a page that was merely opened leaves nothing behind. */

export type Choice = "all" | "measurement" | "denied";
type Answer = "granted" | "denied" | "pending";

export interface Consent {
  measurement: Answer;
  personalization: Answer;
}

const KEY = "shop.consent";

export function consentOf(choice: Choice | null): Consent {
  switch (choice) {
    case "all":
      return { measurement: "granted", personalization: "granted" };
    case "measurement":
      return { measurement: "granted", personalization: "denied" };
    case "denied":
      return { measurement: "denied", personalization: "denied" };
    case null:
      return { measurement: "pending", personalization: "pending" };
  }
}

/** The kept choice; null where none was made, or where something unreadable stands in its place. */
export function keptChoice(storage: Pick<Storage, "getItem">): Choice | null {
  const kept = storage.getItem(KEY);
  return kept === "all" || kept === "measurement" || kept === "denied" ? kept : null;
}

export function keepChoice(storage: Pick<Storage, "setItem">, choice: Choice): void {
  storage.setItem(KEY, choice);
}
