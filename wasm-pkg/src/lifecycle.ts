/** What a page's life means to its client. */

export interface Life {
  /** The page is hidden or goes; it may never run again. */
  leave(): void;
  /** It is seen again; `frozen` says that requests of before may have been cut. */
  comeBack(frozen: boolean): void;
}

/** Listens until the returned function is called. Outside a page nothing happens. */
export function follow(life: Life): () => void {
  if (typeof document === "undefined") return () => undefined;
  const visibility = () => (document.visibilityState === "hidden" ? life.leave() : life.comeBack(false));
  const hide = () => life.leave();
  const show = (event: PageTransitionEvent) => event.persisted && life.comeBack(true);
  document.addEventListener("visibilitychange", visibility);
  addEventListener("pagehide", hide);
  addEventListener("pageshow", show);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    removeEventListener("pagehide", hide);
    removeEventListener("pageshow", show);
  };
}
