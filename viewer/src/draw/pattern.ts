// Opacity without an order: each point leaves out a share of its pixels, by a pattern that differs from point to point,
// so that what is behind shows through and many points together cover everything.

/** Ranks of a square of 4 x 4 pixels, spread evenly (Bayer, 1973). */
const RANKS = Uint8Array.of(0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5);
const MULTIPLIER = 0x9e3779b1;

/** The same in the language of shaders: `isLeftOut(pixel, shift, opacity)`. */
export const PATTERN_GLSL = /* glsl */ `
const int RANKS[16] = int[16](${[...RANKS].join(", ")});
uint patternShift(int point) { return (uint(point) * ${MULTIPLIER}u) >> 28; }
bool isLeftOut(ivec2 pixel, uint shift, float opacity) {
  int place = ((pixel.x + int(shift)) & 3) | (((pixel.y + int(shift >> 2)) & 3) << 2);
  return float(RANKS[place]) + 0.5 > 16.0 * opacity;
}
`;

/** Where in the square a point's own pattern begins. */
export function patternShift(point: number): number {
  return Math.imul(point, MULTIPLIER) >>> 28;
}

export function isLeftOut(column: number, row: number, shift: number, opacity: number): boolean {
  return RANKS[((column + shift) & 3) | (((row + (shift >> 2)) & 3) << 2)] + 0.5 > 16 * opacity;
}
