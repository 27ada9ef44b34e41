// The canvas that points are drawn on, and who draws on it: a graphics card where there is one, else the processor,
// which also takes over when the card goes away and does not come back.

import { CanvasRenderer } from "./canvas";
import type { Renderer } from "./renderer";

const WAIT_MILLISECONDS = 3_000;
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export class Surface {
  readonly host = document.createElement("div");
  readonly #onChange: () => void;
  readonly #onTrouble: (sentence: string | null) => void;
  canvas = document.createElement("canvas");
  #renderer: Renderer | null = null;
  #isStarted = false;
  #timer = 0;

  /** `onChange` when there is another renderer, with nothing drawn yet; `onTrouble` with what to tell people. */
  constructor(onChange: () => void, onTrouble: (sentence: string | null) => void) {
    this.#onChange = onChange;
    this.#onTrouble = onTrouble;
  }

  /** Null while none is ready. */
  get renderer(): Renderer | null {
    return this.#renderer;
  }

  /** Looks for who draws, once there is something to draw: to ask for a graphics card takes long. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const forced = new URLSearchParams(window.location.search).get("renderer");
    if (forced === "webgl" || (forced !== "canvas" && hasCard())) void this.#useCard();
    else this.#useProcessor();
  }

  dispose(): void {
    window.clearTimeout(this.#timer);
    this.#renderer?.dispose();
    this.#renderer = null;
  }

  async #useCard(): Promise<void> {
    try {
      const { WebglRenderer } = await import("./webgl");
      this.#renew();
      this.canvas.addEventListener("webglcontextlost", (event) => this.#lose(event));
      this.canvas.addEventListener("webglcontextrestored", () => this.#regain());
      this.#renderer = new WebglRenderer(this.canvas);
      this.#onChange();
    } catch {
      this.#useProcessor();
      this.#onTrouble("The graphics card cannot be used; the processor draws the map.");
    }
  }

  #useProcessor(): void {
    this.#renew();
    this.#renderer = new CanvasRenderer(this.canvas);
    this.#onChange();
  }

  /** A canvas that was drawn on one way cannot be drawn on the other. */
  #renew(): void {
    this.dispose();
    this.canvas = document.createElement("canvas");
    this.host.replaceChildren(this.canvas);
  }

  /** Without the default a browser may give the context back. */
  #lose(event: Event): void {
    if (event.target !== this.canvas) return;
    event.preventDefault();
    this.dispose();
    this.#onTrouble("The graphics card went away; waiting for it.");
    this.#timer = window.setTimeout(() => {
      this.#useProcessor();
      this.#onTrouble("The graphics card did not come back; the processor draws the map.");
    }, WAIT_MILLISECONDS);
  }

  #regain(): void {
    this.#onTrouble(null);
    void this.#useCard();
  }
}

/** Whether WebGL2 is there and not computed by the processor, which draws points faster without it. */
function hasCard(): boolean {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (context === null) return false;
  const details = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(details?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}
