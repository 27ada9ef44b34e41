// What the map is measured against: one JSON of all points, PointsMaterial, a raycaster, and an id buffer for picking,
// all as a page with three.js is usually written. Each measure waits for the pixels, not only for the commands.

import * as three from "three";

interface SeedsPoint {
  x: number;
  y: number;
  z: number;
  size: number;
  color: [number, number, number];
  id: string;
  prompt: string;
}

interface Measures {
  points: number;
  /** Milliseconds of one frame after the camera turned by an angle. */
  frame(yaw: number): number;
  /** Milliseconds of one pick by ray at a pixel, and the text found, which a page shows beside it. */
  pickByRay(x: number, y: number): { milliseconds: number; text: string | null };
  /** Milliseconds of one pick by rendering ids, and the point found. */
  pickById(x: number, y: number): { milliseconds: number; point: number | null };
}

declare global {
  interface Window {
    __seeds?: Measures;
  }
}

const canvas = document.querySelector("canvas") as HTMLCanvasElement;
const renderer = new three.WebGLRenderer({ canvas, antialias: true });
renderer.setSize(innerWidth, innerHeight, false);
const scene = new three.Scene();
const camera = new three.PerspectiveCamera(75, innerWidth / innerHeight, 0.1, 1000);

const answer = await fetch("/api/embeddings_3d");
const data = (await answer.json()) as { points: SeedsPoint[] };
const points = data.points;
const positions = new Float32Array(points.length * 3);
const colors = new Float32Array(points.length * 3);
points.forEach((point, index) => {
  positions.set([point.x, point.y, point.z], index * 3);
  colors.set(point.color, index * 3);
});
const cloud = makeCloud(colors);
scene.add(cloud);
performance.mark("points-loaded");
turn(0);
draw(scene);

/** Made when a point is picked first. */
let namedScene: three.Scene | null = null;
const target = new three.WebGLRenderTarget(1, 1);
const raycaster = new three.Raycaster();
raycaster.params.Points.threshold = 0.01;

window.__seeds = {
  points: points.length,
  frame(yaw) {
    const start = performance.now();
    turn(yaw);
    draw(scene);
    return performance.now() - start;
  },
  pickByRay(x, y) {
    const start = performance.now();
    raycaster.setFromCamera(new three.Vector2((x / innerWidth) * 2 - 1, 1 - (y / innerHeight) * 2), camera);
    const [nearest] = raycaster.intersectObject(cloud);
    const text = nearest?.index === undefined ? null : points[nearest.index].prompt;
    return { milliseconds: performance.now() - start, text };
  },
  pickById(x, y) {
    namedScene ??= nameAll();
    const start = performance.now();
    const pixel = new Uint8Array(4);
    camera.setViewOffset(innerWidth, innerHeight, x, y, 1, 1);
    renderer.setRenderTarget(target);
    renderer.render(namedScene, camera);
    renderer.readRenderTargetPixels(target, 0, 0, 1, 1, pixel);
    renderer.setRenderTarget(null);
    camera.clearViewOffset();
    const name = pixel[0] | (pixel[1] << 8) | (pixel[2] << 16);
    return { milliseconds: performance.now() - start, point: name === 0 ? null : name - 1 };
  },
};

/** The same points, each in the colour of its number. */
function nameAll(): three.Scene {
  const ids = new Float32Array(points.length * 3);
  for (let name = 1; name <= points.length; name++) {
    ids.set([(name & 255) / 255, ((name >> 8) & 255) / 255, ((name >> 16) & 255) / 255], 3 * (name - 1));
  }
  return new three.Scene().add(makeCloud(ids));
}

function makeCloud(values: Float32Array): three.Points {
  const geometry = new three.BufferGeometry();
  geometry.setAttribute("position", new three.BufferAttribute(positions, 3));
  geometry.setAttribute("color", new three.BufferAttribute(values, 3));
  return new three.Points(geometry, new three.PointsMaterial({ size: 0.02, vertexColors: true }));
}

function turn(yaw: number): void {
  camera.position.set(3 * Math.sin(yaw), 0, 3 * Math.cos(yaw));
  camera.lookAt(0, 0, 0);
}

/** One frame with its pixels: reading one back waits for all of them. */
function draw(what: three.Scene): void {
  renderer.render(what, camera);
  const gl = renderer.getContext();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
}
