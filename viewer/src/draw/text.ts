// Writes over the points.

import type { Colors } from "./colors";

export const FONT_PIXELS = 12;
export const FONT = `${FONT_PIXELS}px system-ui, sans-serif`;
/** Rims let points shine through. */
const RIM_OPACITY = 0.85;

/** Text centred on x and y, with a rim of the background's colour, so that it can be read over points. */
export function drawText(context: CanvasRenderingContext2D, colors: Colors, text: string, x: number, y: number): void {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = colors.background;
  context.globalAlpha = RIM_OPACITY;
  context.strokeText(text, x, y);
  context.globalAlpha = 1;
  context.fillStyle = colors.text;
  context.fillText(text, x, y);
}
