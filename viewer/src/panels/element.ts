// Makes DOM nodes. Text becomes text nodes and nothing else, whatever stands in it.

type Value = string | number | boolean | null | undefined | ((event: never) => void);
export type Child = Node | string | null;

/** The icon of whatever closes something. */
export const CROSS = "M4 4l8 8M12 4l-8 8";

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes; `on…` are listeners, true is an empty attribute, false, null and undefined none. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) assign(made, name, value);
  fill(made, children);
  return made;
}

/** An icon of 16 x 16, drawn as one line. */
export function icon(path: string): SVGSVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" })) {
    drawing.setAttribute(name, value);
  }
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

/** Puts children in the place of those that are there. */
export function fill(parent: Element, children: readonly Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== null));
}

/** Text of strangers: its direction and its marks stay inside. */
export function quoted(text: string, name = "quoted"): HTMLElement {
  return element("span", { class: name, dir: "auto" }, text);
}

function assign(made: HTMLElement, name: string, value: Value): void {
  if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
  else if (value === true) made.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
}
