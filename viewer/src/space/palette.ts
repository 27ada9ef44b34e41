// Colours by code, for dark and light; safe for colour-vision deficiency. Hues of Okabe and Ito (2008), viridis
// (van der Walt and Smith, 2015; polynomial fit), blue to orange through grey.

import { RATIO_STEPS } from "../data/comparison";
import type { ColorBy } from "../state";

export type Palette = Uint8Array;
/** What colours may say: beside the choices, how a comparison's densities differ, or nothing at all. */
export type Coloring = ColorBy | "ratio" | "none";
type Color = readonly [number, number, number];

const GREY = 0x8b909a;
/** For dark backgrounds, light ones; families first: green, blue, vermillion. */
const HUES = {
  dark: [0x1fb98a, 0x4d9fe0, 0xe8722a, 0xe6a817, 0x6cc5f0, 0xc98bd8, 0xf0e15a, 0xe88fb5],
  light: [0x009e73, 0x0072b2, 0xd55e00, 0xc98a00, 0x3d9fd6, 0x9a4fae, 0xb8a600, 0xcc6698],
};
const FAMILIES = ["hh", "ultrafeedback", "stack"];
const CLUSTER_HUES = {
  dark: [
    0x5aa9e6, 0xf2914a, 0x3fc49a, 0xd98ad0, 0xe9d35b, 0x86d4f5, 0xe8766b, 0xa5c95a, 0xa99bf0, 0xd6b08c, 0x58c9c9,
    0xf2b3cf,
  ],
  light: [
    0x0072b2, 0xd55e00, 0x00855f, 0xa8489b, 0xa68a00, 0x3a97cf, 0xb83a34, 0x5d8a1a, 0x6456c0, 0x8a6238, 0x0c8a8f,
    0xc45c8c,
  ],
};
export const NUM_CLUSTER_HUES = CLUSTER_HUES.dark.length;
/** From less to more: what weights and ratios are coloured by. */
const DIVERGING = {
  dark: [0x2f7fe0, 0x6fa8ea, 0x8d939e, 0xf0a04b, 0xff7a1a],
  light: [0x0b5cad, 0x5f97cf, 0xa2a6ad, 0xdd8a3c, 0xc24e00],
};

/** Octaves to either side that the diverging colours tell apart: weights, and ratios of density. */
const WEIGHT_OCTAVES = 1;
const RATIO_OCTAVES = 1;

/** 256 colours, RGB each. `sources` as in the meta of points. Of density the rare end stands out from the background. */
export function paletteOf(
  colorBy: Coloring,
  isDark: boolean,
  sources: readonly { readonly code: number; readonly name: string }[],
): Palette {
  const theme = isDark ? "dark" : "light";
  if (colorBy === "source") return sourcePalette(sources, HUES[theme], isDark);
  if (colorBy === "density") return filled((code) => viridis(isDark ? 1 - (0.84 * code) / 255 : (0.9 * code) / 255));
  if (colorBy === "cluster") return filled((code) => rgb(CLUSTER_HUES[theme][clusterCode(code)]));
  if (colorBy === "none") return filled(() => rgb(GREY));
  return filled((code) => along(DIVERGING[theme], code / 255));
}

/** A colour of a palette as "#rrggbb". */
export function css(palette: Palette, code: number): string {
  const number = (palette[3 * code] << 16) | (palette[3 * code + 1] << 8) | palette[3 * code + 2];
  return `#${number.toString(16).padStart(6, "0")}`;
}

/** Code of a weight, given as a multiple of a uniform one; 128 is uniform, half and twice are the ends. */
export function weightCode(multiple: number): number {
  return multiple > 0 ? centred(Math.log2(multiple) / WEIGHT_OCTAVES) : 0;
}

/** Code of a ratio of densities as in `Comparison.ratios`. */
export function ratioCode(ratio: number): number {
  return centred(ratio / RATIO_STEPS / RATIO_OCTAVES);
}

/** Code of a cluster's label: clusters have so many colours, in turn. */
export function clusterCode(label: number): number {
  return label % NUM_CLUSTER_HUES;
}

/** -1 to 1 as 0 to 255. */
function centred(value: number): number {
  return Math.max(0, Math.min(255, Math.round(127.5 + 127.5 * value)));
}

/** The first of each family has the family's hue; the others take what is left, then lighter ones, then grey. */
function sourcePalette(
  sources: readonly { readonly code: number; readonly name: string }[],
  hues: readonly number[],
  isDark: boolean,
): Palette {
  const pale = hues.map((hue) => mix(rgb(hue), isDark ? [255, 255, 255] : [40, 40, 60], 0.42));
  const free: Color[] = [...hues.map(rgb), ...pale];
  const taken = new Map<number, Color>();
  FAMILIES.forEach((family, place) => {
    const first = sources.find((source) => source.name.toLowerCase().startsWith(family));
    if (first === undefined) return;
    taken.set(first.code, free[place]);
  });
  const rest = free.filter((color) => ![...taken.values()].includes(color));
  for (const { code, name } of sources) {
    if (!taken.has(code)) taken.set(code, (name === "other" ? undefined : rest.shift()) ?? rgb(GREY));
  }
  return filled((code) => taken.get(code) ?? rgb(GREY));
}

function filled(colorOf: (code: number) => Color): Palette {
  const palette = new Uint8Array(3 * 256);
  for (let code = 0; code < 256; code++) palette.set(colorOf(code), 3 * code);
  return palette;
}

function along(stops: readonly number[], share: number): Color {
  const place = Math.min(stops.length - 2, Math.floor(share * (stops.length - 1)));
  return mix(rgb(stops[place]), rgb(stops[place + 1]), share * (stops.length - 1) - place);
}

function viridis(t: number): Color {
  return [
    polynomial(t, [0.2777273, 0.1050931, -0.3308618, -4.6342305, 6.2282699, 4.7763849, -5.4354559]),
    polynomial(t, [0.0054073, 1.4046135, 0.2148476, -5.7991009, 14.1799334, -13.7451454, 4.6458526]),
    polynomial(t, [0.3340998, 1.3845902, 0.0950952, -19.332441, 56.6905526, -65.3530326, 26.3124352]),
  ];
}

function polynomial(t: number, coefficients: readonly number[]): number {
  const value = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}

function mix(from: Color, to: Color, share: number): Color {
  return [0, 1, 2].map((channel) =>
    Math.round(from[channel] + share * (to[channel] - from[channel])),
  ) as unknown as Color;
}

function rgb(color: number): Color {
  return [color >> 16, (color >> 8) & 255, color & 255];
}
