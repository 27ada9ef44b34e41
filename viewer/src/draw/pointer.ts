// Mouse, pen and fingers on the map: what they do, said in words of the map. Positions in CSS pixels of the map.

const CLICK_PIXELS = 4;
const TAP_PIXELS = 10;
const WHEEL_STEP = 0.0015;
/** Browsers report two fingers on a trackpad as a wheel with Ctrl, in much smaller steps. */
const PINCH_STEP = 0.012;
const MOST_WHEEL = 240;
const LINE_PIXELS = 30;

/** What gestures do. */
export interface Gestures {
  /** Whether a drag draws a line instead of moving the camera. */
  readonly isDrawing: boolean;
  orbit(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number, x: number, y: number): void;
  /** The pointer is here; null when it left. */
  hover(x: number | null, y: number): void;
  click(x: number, y: number, isTouch: boolean): void;
  /** A drag began or ended. */
  drag(isOn: boolean): void;
  drawTo(x: number, y: number): void;
  drawEnd(isKept: boolean): void;
}

interface Finger {
  x: number;
  y: number;
  readonly startX: number;
  readonly startY: number;
  hasMoved: boolean;
  readonly moves: "orbit" | "pan" | "line";
}

export class Pointer {
  readonly #host: HTMLElement;
  readonly #gestures: Gestures;
  readonly #fingers = new Map<number, Finger>();

  constructor(host: HTMLElement, gestures: Gestures) {
    this.#host = host;
    this.#gestures = gestures;
    host.addEventListener("pointerdown", (event) => this.#down(event));
    host.addEventListener("pointermove", (event) => this.#move(event));
    host.addEventListener("pointerup", (event) => this.#up(event, true));
    host.addEventListener("pointercancel", (event) => this.#up(event, false));
    host.addEventListener("pointerleave", () => gestures.hover(null, 0));
    host.addEventListener("contextmenu", (event) => event.preventDefault());
    host.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #down(event: PointerEvent): void {
    const { x, y } = this.#place(event);
    const isPan = event.button === 2 || event.button === 1 || event.shiftKey;
    const moves = this.#gestures.isDrawing && !isPan ? "line" : isPan ? "pan" : "orbit";
    this.#fingers.set(event.pointerId, { x, y, startX: x, startY: y, hasMoved: false, moves });
    this.#host.setPointerCapture(event.pointerId);
    this.#gestures.drag(true);
    if (moves === "line") this.#gestures.drawTo(x, y);
    if (this.#fingers.size > 1 && moves === "line") this.#gestures.drawEnd(false);
  }

  #move(event: PointerEvent): void {
    const { x, y } = this.#place(event);
    const finger = this.#fingers.get(event.pointerId);
    if (finger === undefined) {
      this.#gestures.hover(x, y);
      return;
    }
    const [beforeX, beforeY] = [finger.x, finger.y];
    const far = Math.hypot(x - finger.startX, y - finger.startY);
    if (!finger.hasMoved && far < (event.pointerType === "mouse" ? CLICK_PIXELS : TAP_PIXELS)) return;
    finger.hasMoved = true;
    [finger.x, finger.y] = [x, y];
    if (this.#fingers.size === 2) this.#pinch(finger, beforeX, beforeY);
    else if (finger.moves === "line") this.#gestures.drawTo(x, y);
    else this.#gestures[finger.moves](x - beforeX, y - beforeY);
  }

  /** One of two fingers moved: both move the picture by their middle, and zoom by their distance. */
  #pinch(finger: Finger, beforeX: number, beforeY: number): void {
    const other = [...this.#fingers.values()].find((one) => one !== finger);
    if (other === undefined) return;
    this.#gestures.pan((finger.x - beforeX) / 2, (finger.y - beforeY) / 2);
    const before = Math.hypot(beforeX - other.x, beforeY - other.y);
    const now = Math.hypot(finger.x - other.x, finger.y - other.y);
    if (now > 0) this.#gestures.zoom(before / now, (finger.x + other.x) / 2, (finger.y + other.y) / 2);
  }

  #up(event: PointerEvent, isDone: boolean): void {
    const finger = this.#fingers.get(event.pointerId);
    if (finger === undefined) return;
    const isOnly = this.#fingers.size === 1;
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size === 0) this.#gestures.drag(false);
    if (finger.moves === "line") this.#gestures.drawEnd(isDone && finger.hasMoved);
    if (finger.hasMoved || !isDone || !isOnly || event.button !== 0) return;
    this.#gestures.click(finger.x, finger.y, event.pointerType !== "mouse");
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const { x, y } = this.#place(event);
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PIXELS);
    const step = event.ctrlKey ? PINCH_STEP : WHEEL_STEP;
    this.#gestures.zoom(Math.exp(step * Math.max(-MOST_WHEEL, Math.min(MOST_WHEEL, pixels))), x, y);
  }

  #place(event: MouseEvent): { x: number; y: number } {
    const box = this.#host.getBoundingClientRect();
    return { x: event.clientX - box.x, y: event.clientY - box.y };
  }
}
