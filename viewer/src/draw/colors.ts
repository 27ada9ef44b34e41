// The colours of the page that the map needs, as the style sheet has them.

/** As CSS writes them. */
export interface Colors {
  readonly background: string;
  readonly grid: string;
  readonly text: string;
  readonly accent: string;
  /** Of what comes second: texts of a second file. */
  readonly second: string;
  readonly isDark: boolean;
  /** RGB of the background, 0 to 255. */
  readonly backgroundRgb: readonly [number, number, number];
}

export function readColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--map-${name}`).trim();
  const background = color("background");
  return {
    background,
    grid: color("grid"),
    text: color("text"),
    accent: color("accent"),
    second: color("second"),
    isDark: document.documentElement.dataset.theme !== "light",
    backgroundRgb: rgb(background),
  };
}

/** Of "#rrggbb". */
function rgb(color: string): [number, number, number] {
  const number = Number.parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** Calls when the page turns dark or light. */
export function followColors(onChange: (colors: Colors) => void): void {
  const observer = new MutationObserver(() => onChange(readColors()));
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}
