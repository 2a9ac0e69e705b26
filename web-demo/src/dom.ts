/** The smallest helpers: find what the page is known to have, make what it lacks. */

export function find<T extends Element = HTMLElement>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no element ${selector}.`);
  return found;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> & { class?: string; test?: string } = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const { class: className, test, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (className) element.className = className;
  if (test) element.dataset.test = test;
  element.append(...children);
  return element;
}
