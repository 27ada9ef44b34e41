// The points of the map as the graphics card draws them, each in the colour of its number: what is drawn where, to
// compare the map's picking with.

import { Api } from "../src/api";
import { Corpus } from "../src/data/corpus";
import { View } from "../src/draw/view";
import { WebglRenderer } from "../src/draw/webgl";
import type { CameraPose } from "../src/space/camera";
import { sizes, writeCodes } from "../src/space/encoding";

declare global {
  interface Window {
    /** The point at each of these pixels of the page (x, y, x, y ...), seen from a pose; -1 where there is none. */
    __ids?: (pose: CameraPose, pixels: readonly number[]) => number[];
  }
}

const FRAGMENT = /* glsl */ `
precision highp float;
flat in vec3 disc;
flat in int point;
out vec4 pixel;
void main() {
  vec2 offset = (gl_FragCoord.xy - disc.xy) / disc.z;
  if (dot(offset, offset) > 1.0) discard;
  int name = point + 1;
  pixel = vec4(ivec4(name & 255, (name >> 8) & 255, (name >> 16) & 255, 255)) / 255.0;
}
`;

const canvas = document.querySelector("canvas") as HTMLCanvasElement;
const renderer = new WebglRenderer(canvas, FRAGMENT);
const gl = canvas.getContext("webgl2") as WebGL2RenderingContext;
const view = new View();
view.resize(canvas);

const corpus = await Corpus.load(new Api(), null, () => undefined);
await corpus.complete;
const { cloud } = corpus;
const columns = { weights: null, clusters: null, ratios: null, copies: null, marks: null };
const layer = {
  values: cloud.values,
  indices: Uint32Array.from({ length: cloud.numPoints }, (_, point) => point),
  count: cloud.numPoints,
  codes: new Uint16Array(cloud.numPoints),
  radii: sizes(false),
  palette: new Uint8Array(3 * 256),
  loaded: cloud.numPoints,
  versions: { codes: 0, indices: 0 },
};
writeCodes(cloud, "source", columns, layer.codes, 0, cloud.numPoints);

window.__ids = (pose, pixels) => {
  const { width, height } = view.viewport;
  view.aim(pose, cloud.numPoints, 1, renderer.snaps);
  renderer.clear(view.viewport, [layer]);
  renderer.draw(layer, 0, layer.count, view.optics, view.look);
  const bytes = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  return Array.from({ length: pixels.length / 2 }, (_, at) => {
    const [x, y] = [2 * at, 2 * at + 1].map((place) => Math.floor(pixels[place] * view.ratio));
    const [red, green, blue] = bytes.subarray(4 * ((height - 1 - y) * width + x));
    return (red | (green << 8) | (blue << 16)) - 1;
  });
};
