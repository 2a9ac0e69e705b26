// As much of a page as the client asks for, in Node: a document that can be hidden, and storage that can be looked into.

/** Storage as browsers have it; `denied` makes every call throw, as in a private window. */
export class Shelf {
  items = new Map();
  denied = false;
  #ask() {
    if (this.denied) throw new Error("SecurityError");
    return this.items;
  }
  getItem = (name) => this.#ask().get(name) ?? null;
  setItem = (name, value) => void this.#ask().set(name, String(value));
  removeItem = (name) => void this.#ask().delete(name);
}

/** Storage that lists what is in it, as the browser's does. */
export const listing = () =>
  Object.create({
    getItem(name) {
      return this[name] ?? null;
    },
    setItem(name, value) {
      this[name] = String(value);
    },
    removeItem(name) {
      delete this[name];
    },
  });

export const shelves = () => ({ local: new Shelf(), session: new Shelf() });

/** Turns this process into a page until `end` is called. */
export function page() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const target = new EventTarget();
  const globals = {
    document,
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  };
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return {
    show(state) {
      document.visibilityState = state;
      document.dispatchEvent(new Event("visibilitychange"));
    },
    go: () => target.dispatchEvent(new Event("pagehide")),
    /** It is shown again as it was when it was put aside. */
    thaw: () => target.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })),
    /** Another tab has written. */
    stored: (key, newValue) => target.dispatchEvent(Object.assign(new Event("storage"), { key, newValue })),
    end() {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor);
        else delete globalThis[name];
      }
    },
  };
}
