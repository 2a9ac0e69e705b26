import { Component, type ComponentChildren } from "preact";

interface Props {
  name: string;
  children: ComponentChildren;
}

/** One experiment that cannot be drawn does not take the page with it. */
export class Boundary extends Component<Props, { problem: string | null }> {
  override state = { problem: null };

  static override getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render({ name, children }: Props) {
    if (this.state.problem === null) return children;
    return (
      <section class="card empty">
        <h2>{name}</h2>
        <p>
          These numbers could not be drawn ({this.state.problem}). Is this page older or newer than the collector? Reload it;{" "}
          <code>tiltwise results</code> prints the same numbers.
        </p>
      </section>
    );
  }
}
