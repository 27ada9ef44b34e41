// Points drawn by the processor: projected, rounded to whole pixels, stamped into a picture with a depth a pixel.

import { NEAR, type Viewport } from "../space/camera";
import { FAINT, SMALLEST_RADIUS, stampOf } from "../space/disc";
import type { Palette } from "../space/palette";
import type { Optics } from "../space/pick";
import { isLeftOut, patternShift } from "./pattern";
import type { Look, PointLayer, Renderer } from "./renderer";
import { ColorTable, colorAt, fadeAt } from "./shading";
import { type Stamp, Stamps } from "./stamps";

/** Added to the depth of faint points: behind everything that is not. */
const BEHIND = 64;

export class CanvasRenderer implements Renderer {
  readonly kind = "canvas";
  readonly isDoneAtOnce = true;
  readonly snaps = true;
  readonly #context: CanvasRenderingContext2D;
  #picture = new ImageData(1, 1);
  #pixels = new Uint32Array(1);
  #depths = new Float32Array(1);
  #stamps = new Stamps(1);
  readonly #tables = new Map<Palette, ColorTable>();
  #background: Look["background"] | null = null;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("This browser has no canvas to draw on.");
    this.#context = context;
  }

  clear({ width, height }: Viewport): void {
    if (this.#picture.width !== width || this.#picture.height !== height) this.#resize(width, height);
    this.#pixels.fill(0);
    this.#depths.fill(Infinity);
  }

  draw(layer: PointLayer, start: number, stop: number, optics: Optics, look: Look): void {
    const { values, indices, codes, radii } = layer;
    const { projection: m, scale, largest } = optics;
    const colors = this.#table(layer.palette, look);
    const table = colors.pixels;
    const [width, height] = [this.#picture.width, this.#picture.height];
    for (let at = start; at < stop; at++) {
      const point = indices[at];
      const [x, y, z] = [values[4 * point], values[4 * point + 1], values[4 * point + 2]];
      const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
      if (depth <= NEAR) continue;
      const column = Math.floor((m[0] * x + m[1] * y + m[2] * z + m[3]) / depth);
      const row = Math.floor((m[4] * x + m[5] * y + m[6] * z + m[7]) / depth);
      const code = codes[point];
      const isFaint = code >> 8 >= FAINT;
      const radius = Math.max(SMALLEST_RADIUS, Math.min(largest, (scale * radii[code >> 8]) / depth));
      const stamp = this.#stamps.get(stampOf(radius));
      const { extent } = stamp;
      if (column < -extent || row < -extent || column >= width + extent || row >= height + extent) continue;
      const kept = Math.fround(isFaint ? depth + BEHIND : depth);
      colors.use(code & 255);
      const color = colorAt(code & 255, fadeAt(depth, look), isFaint);
      const isInside = column >= extent && row >= extent && column < width - extent && row < height - extent;
      if (isInside && look.opacity === 1) this.#stamp(stamp, row * width + column, kept, table, color);
      else this.#stampCarefully(stamp, column, row, kept, table, color, patternShift(point), look.opacity);
    }
  }

  finish(): void {
    this.#context.putImageData(this.#picture, 0, 0);
  }

  dispose(): void {
    this.#tables.clear();
  }

  #resize(width: number, height: number): void {
    this.#context.canvas.width = width;
    this.#context.canvas.height = height;
    this.#picture = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#picture.data.buffer);
    this.#depths = new Float32Array(width * height);
    this.#stamps = new Stamps(width);
  }

  #stamp({ offsets, shades }: Stamp, origin: number, depth: number, table: Uint32Array, color: number): void {
    const [pixels, depths] = [this.#pixels, this.#depths];
    for (let pixel = 0; pixel < offsets.length; pixel++) {
      const at = origin + offsets[pixel];
      if (depth >= depths[at]) continue;
      depths[at] = depth;
      pixels[at] = table[color + shades[pixel]];
    }
  }

  /** The same where a disc reaches over the edge or has holes. */
  #stampCarefully(
    stamp: Stamp,
    column: number,
    row: number,
    depth: number,
    table: Uint32Array,
    color: number,
    shift: number,
    opacity: number,
  ): void {
    const { width, height } = this.#picture;
    for (let pixel = 0; pixel < stamp.shades.length; pixel++) {
      const x = column + stamp.columns[pixel];
      const y = row + stamp.rows[pixel];
      if (x < 0 || y < 0 || x >= width || y >= height || isLeftOut(x, y, shift, opacity)) continue;
      const at = y * width + x;
      if (depth >= this.#depths[at]) continue;
      this.#depths[at] = depth;
      this.#pixels[at] = table[color + stamp.shades[pixel]];
    }
  }

  /** One table a palette; a change of the background makes them anew. */
  #table(palette: Palette, { background }: Look): ColorTable {
    if (this.#background !== background) this.#tables.clear();
    this.#background = background;
    let table = this.#tables.get(palette);
    if (table === undefined) {
      if (this.#tables.size >= 4) this.#tables.clear();
      table = new ColorTable(palette, background);
      this.#tables.set(palette, table);
    }
    return table;
  }
}
