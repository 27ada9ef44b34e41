// How bright a disc is from its middle to its rim, and how pale it is far away. Both renderers follow these formulas.

import type { Palette } from "../space/palette";
import type { Look } from "./renderer";

/** Steps of brightness and of paleness that the table of colours tells apart. */
export const SHADES = 8;
export const FADES = 16;

/** Where light comes from: left, above and in front; a ball's side that faces it is brightest. */
const LIGHT = [-0.42, -0.52, 0.74] as const;
const DIM = 0.6;
const BRIGHT = 1.06;
const FULL_RADIUS = 5;
const RIM = 0.8;
const RIM_BRIGHTNESS = 0.78;
const MOST_FADE = 0.5;
const FAINT_SHARE = 0.24;

/** The same in the language of shaders: `brightness(offset, radius)`, `paleness(depth, start, end, isFaint)`. */
export const SHADING_GLSL = /* glsl */ `
float brightness(vec2 offset, float radius) {
  float square = dot(offset, offset);
  float light = dot(vec3(offset, sqrt(max(0.0, 1.0 - square))), vec3(${LIGHT.join(", ")}));
  float full = ${DIM.toFixed(2)} + ${(BRIGHT - DIM).toFixed(2)} * max(0.0, light);
  if (radius > 4.0 && square > ${RIM.toFixed(2)}) full *= ${RIM_BRIGHTNESS.toFixed(2)};
  return mix(1.0, full, clamp((radius - 1.0) / ${(FULL_RADIUS - 1).toFixed(1)}, 0.0, 1.0));
}
float paleness(float depth, float start, float end, bool isFaint) {
  float fade = ${MOST_FADE.toFixed(2)} * clamp((depth - start) / (end - start), 0.0, 1.0);
  return isFaint ? 1.0 - ${FAINT_SHARE.toFixed(2)} * (1.0 - fade) : fade;
}
`;

/** Step of brightness of a pixel, (x, y) radii away from the middle. */
export function shadeAt(x: number, y: number, radius: number): number {
  const square = x * x + y * y;
  const light = LIGHT[0] * x + LIGHT[1] * y + LIGHT[2] * Math.sqrt(Math.max(0, 1 - square));
  let full = DIM + (BRIGHT - DIM) * Math.max(0, light);
  if (radius > 4 && square > RIM) full *= RIM_BRIGHTNESS;
  const share = Math.min(1, Math.max(0, (radius - 1) / (FULL_RADIUS - 1)));
  return Math.round(((1 + share * (full - 1)) / BRIGHT) * (SHADES - 1));
}

/** Step of paleness at a depth. */
export function fadeAt(depth: number, look: Look): number {
  const share = (depth - look.fadeStart) / (look.fadeEnd - look.fadeStart);
  return Math.round(Math.min(1, Math.max(0, share)) * (FADES - 1));
}

/** Place in the table of colours of the darkest shade of a code. */
export function colorAt(code: number, fade: number, isFaint: boolean): number {
  return (((isFaint ? FADES : 0) + fade) * 256 + code) * SHADES;
}

/** Colours as pixels of a canvas, at `colorAt` + shade; those of a code are there from its first use on. */
export class ColorTable {
  readonly pixels: Uint32Array;
  readonly #bytes = new Uint8ClampedArray(4 * 2 * FADES * 256 * SHADES);
  readonly #isThere = new Uint8Array(256);
  readonly #palette: Palette;
  readonly #background: Look["background"];

  constructor(palette: Palette, background: Look["background"]) {
    this.#palette = palette;
    this.#background = background;
    this.pixels = new Uint32Array(this.#bytes.buffer);
  }

  use(code: number): void {
    if (this.#isThere[code] === 1) return;
    this.#isThere[code] = 1;
    for (let fade = 0; fade < 2 * FADES; fade++) {
      const far = (MOST_FADE * (fade % FADES)) / (FADES - 1);
      this.#fill(code, 4 * colorAt(code, fade, false), fade < FADES ? far : 1 - FAINT_SHARE * (1 - far));
    }
  }

  /** Bytes round and clamp by themselves; those of a pixel are red, green, blue and alpha in this order. */
  #fill(code: number, start: number, pale: number): void {
    const [bytes, palette, background] = [this.#bytes, this.#palette, this.#background];
    for (let shade = 0; shade < SHADES; shade++) {
      const bright = (shade / (SHADES - 1)) * BRIGHT * (1 - pale);
      const at = start + 4 * shade;
      bytes[at] = palette[3 * code] * bright + background[0] * pale;
      bytes[at + 1] = palette[3 * code + 1] * bright + background[1] * pale;
      bytes[at + 2] = palette[3 * code + 2] * bright + background[2] * pale;
      bytes[at + 3] = 255;
    }
  }
}
