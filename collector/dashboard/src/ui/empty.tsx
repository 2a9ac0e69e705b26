/** The pages and places without data, which say what to do next. */

import { Mark } from "./mark.tsx";

export function SignedOut() {
  return (
    <main class="alone">
      <Mark />
      <h1>This dashboard asks who you are</h1>
      <p>
        Run <code>tiltwise status</code> where the collector runs and open the one-time link that it prints. The link signs
        this browser in; a used or old one does not.
      </p>
      <p>
        <a class="button" href=".">
          Try again
        </a>
      </p>
    </main>
  );
}

export function Waiting() {
  return (
    <main class="alone" aria-busy="true">
      <Mark />
      <h1>Connecting to the collector</h1>
      <p>The first numbers arrive within a second. If they do not, see whether <code>tiltwise serve</code> is running.</p>
    </main>
  );
}

export function NoExperiment() {
  return (
    <section class="card empty">
      <h2>No experiment yet</h2>
      <p>
        Describe one in <code>experiments.toml</code> (a key, two variants, the event that counts as success) and run{" "}
        <code>tiltwise apply experiments.toml</code>. It appears here within a second.
      </p>
    </section>
  );
}

export function NoVisitor({ experiment }: { experiment: string }) {
  return (
    <div class="empty">
      <h3>No visitors yet</h3>
      <p>
        The first one appears here about a second after a page calls <code>client.variant("{experiment}")</code>. Nothing
        shows although pages do? Then see whether the visitor is eligible (<code>when</code>, <code>traffic</code>), and
        whether consent was given.
      </p>
    </div>
  );
}
