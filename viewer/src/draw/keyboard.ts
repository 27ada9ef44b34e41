// Keys on the map, when it has the focus.

const TURN = 0.12;
const MOVE = 48;
const ZOOM = 1.25;
const WIDER = 1.25;
/** Brackets are not on every keyboard. */
const [SMALLER_KEYS, LARGER_KEYS] = ["[,", "]."];

/** What keys do. */
export interface Keys {
  orbitBy(yaw: number, pitch: number): void;
  pan(dx: number, dy: number): void;
  /** Round the middle of the map. */
  zoomBy(factor: number): void;
  home(): void;
  /** Shows the selection closer. */
  closer(): void;
  /** Selects what is at the crosshair. */
  choose(): void;
  /** Marks what is in the ring round the crosshair. */
  markHere(): void;
  /** Makes that ring so many times as large. */
  widen(factor: number): void;
  /** Takes back one thing. */
  clear(): void;
  /** The map has the focus, by the keyboard. */
  focus(isOn: boolean): void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function followKeys(host: HTMLElement, keys: Keys): void {
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !press(event, keys)) return;
    event.preventDefault();
    keys.focus(true);
  });
  host.addEventListener("focus", () => keys.focus(host.matches(":focus-visible")));
  host.addEventListener("blur", () => keys.focus(false));
}

/** Whether the key means something. */
function press(event: KeyboardEvent, keys: Keys): boolean {
  const arrow = ARROWS[event.key];
  if (arrow !== undefined) {
    if (event.shiftKey) keys.pan(-MOVE * arrow[0], -MOVE * arrow[1]);
    else keys.orbitBy(-TURN * arrow[0], -TURN * arrow[1]);
    return true;
  }
  const action = actionOf(event.key, keys);
  action?.();
  return action !== null;
}

function actionOf(key: string, keys: Keys): (() => void) | null {
  if (key === "+" || key === "=") return () => keys.zoomBy(1 / ZOOM);
  if (key === "-" || key === "_") return () => keys.zoomBy(ZOOM);
  if (key === "0" || key === "Home") return () => keys.home();
  if (key === "f" || key === "F") return () => keys.closer();
  if (key === "Enter" || key === " ") return () => keys.choose();
  if (key === "m" || key === "M") return () => keys.markHere();
  if (SMALLER_KEYS.includes(key)) return () => keys.widen(1 / WIDER);
  if (LARGER_KEYS.includes(key)) return () => keys.widen(WIDER);
  return key === "Escape" ? () => keys.clear() : null;
}
