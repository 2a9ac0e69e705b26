import { link } from "../stream.ts";
import type { Health } from "../wire.ts";

/** What a person should know before reading any number; nothing at all when all is well. */
export function Notices({ health }: { health: Health }) {
  const lost = link.value === "reconnecting";
  return (
    <div class="notices">
      {lost ? (
        <p class="notice" role="status">
          The collector is out of reach: reconnecting. These are the last numbers it sent.
        </p>
      ) : null}
      {health.status === "degraded" ? (
        <div class="notice notice-warn" role="status">
          <strong>The collector asks for attention.</strong>
          <ul>
            {health.messages.map((message) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}
