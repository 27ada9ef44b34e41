// Points drawn by a graphics card, through three.js. Loaded only where there is one.

import * as three from "three";
import type { Viewport } from "../space/camera";
import type { Optics } from "../space/pick";
import type { Look, PointLayer, Renderer } from "./renderer";
import { FRAGMENT, VERTEX } from "./shaders";

export class WebglRenderer implements Renderer {
  readonly kind = "webgl";
  readonly isDoneAtOnce = false;
  readonly snaps = false;
  readonly #renderer: three.WebGLRenderer;
  readonly #camera = new three.Camera();
  readonly #copies = new Map<PointLayer, Copy>();
  readonly #viewport = new three.Vector2();
  readonly #fragment: string;

  /** Throws where the browser gives no context. `fragment` is the shader that colours a disc's pixels. */
  constructor(canvas: HTMLCanvasElement, fragment = FRAGMENT) {
    this.#fragment = fragment;
    this.#renderer = new three.WebGLRenderer({ canvas, alpha: true, antialias: false, preserveDrawingBuffer: true });
    this.#renderer.autoClear = false;
    this.#renderer.setClearColor(0, 0);
    this.#renderer.outputColorSpace = three.LinearSRGBColorSpace;
  }

  clear({ width, height }: Viewport, layers: readonly PointLayer[]): void {
    this.#keep(layers);
    if (this.#viewport.x !== width || this.#viewport.y !== height) this.#renderer.setSize(width, height, false);
    this.#viewport.set(width, height);
    this.#renderer.clear();
  }

  draw(layer: PointLayer, start: number, stop: number, optics: Optics, look: Look): void {
    const copy = this.#copy(layer);
    copy.update(layer);
    copy.look(optics, look, this.#viewport);
    copy.points.geometry.setDrawRange(start, stop - start);
    this.#renderer.render(copy.points, this.#camera);
  }

  finish(): void {
    // The browser shows what was drawn by itself.
  }

  dispose(): void {
    for (const copy of this.#copies.values()) copy.dispose();
    this.#copies.clear();
    this.#renderer.dispose();
  }

  /** A layer's columns on the card. */
  #copy(layer: PointLayer): Copy {
    let copy = this.#copies.get(layer);
    if (copy === undefined) {
      copy = new Copy(layer, this.#fragment);
      this.#copies.set(layer, copy);
    }
    return copy;
  }

  /** Of layers that are gone nothing is kept. */
  #keep(layers: readonly PointLayer[]): void {
    for (const [layer, copy] of this.#copies) {
      if (layers.includes(layer)) continue;
      copy.dispose();
      this.#copies.delete(layer);
    }
  }
}

/** What the card has of a layer. */
class Copy {
  readonly points: three.Points<three.BufferGeometry, three.RawShaderMaterial>;
  readonly #palette = dataTexture(new Uint8Array(4 * 256), three.RGBAFormat, three.UnsignedByteType);
  readonly #sizes = dataTexture(new Float32Array(256), three.RedFormat, three.FloatType);
  readonly #uniforms = {
    rowX: { value: new three.Vector4() },
    rowY: { value: new three.Vector4() },
    rowDepth: { value: new three.Vector4() },
    viewport: { value: new three.Vector2() },
    background: { value: new three.Vector3() },
    scale: { value: 1 },
    largest: { value: 1 },
    opacity: { value: 1 },
    fadeStart: { value: 0 },
    fadeEnd: { value: 1 },
    palette: { value: this.#palette },
    sizes: { value: this.#sizes },
  };
  readonly #places: three.BufferAttribute;
  readonly #codes: three.BufferAttribute;
  readonly #indices: three.BufferAttribute;
  #loaded = 0;
  #codesVersion = -1;
  #indicesVersion = -1;

  constructor({ values, codes, indices }: PointLayer, fragment: string) {
    this.#places = new three.BufferAttribute(values, 4);
    this.#codes = new three.BufferAttribute(codes, 1);
    this.#indices = new three.BufferAttribute(indices, 1);
    const geometry = new three.BufferGeometry();
    geometry.setAttribute("position", this.#places);
    geometry.setAttribute("code", this.#codes);
    geometry.setIndex(this.#indices);
    const material = new three.RawShaderMaterial({
      glslVersion: three.GLSL3,
      vertexShader: VERTEX,
      fragmentShader: fragment,
      uniforms: this.#uniforms,
      // of two points in one place the first is drawn, which is the one that is picked
      depthFunc: three.LessDepth,
    });
    this.points = new three.Points(geometry, material);
    this.points.frustumCulled = false;
  }

  /** Sends what changed. */
  update({ loaded, versions, palette, radii }: PointLayer): void {
    if (this.#loaded < loaded) {
      this.#places.addUpdateRange(4 * this.#loaded, 4 * (loaded - this.#loaded));
      this.#places.needsUpdate = true;
      this.#loaded = loaded;
    }
    if (this.#indicesVersion !== versions.indices) this.#indices.needsUpdate = true;
    this.#indicesVersion = versions.indices;
    if (this.#codesVersion === versions.codes) return;
    this.#codesVersion = versions.codes;
    this.#codes.needsUpdate = true;
    const colors = this.#palette.image.data as Uint8Array;
    for (let code = 0; code < 256; code++) colors.set(palette.subarray(3 * code, 3 * code + 3), 4 * code);
    (this.#sizes.image.data as Float32Array).set(radii);
    this.#palette.needsUpdate = true;
    this.#sizes.needsUpdate = true;
  }

  look({ projection: m, scale, largest }: Optics, look: Look, viewport: three.Vector2): void {
    const uniforms = this.#uniforms;
    uniforms.rowX.value.set(m[0], m[1], m[2], m[3]);
    uniforms.rowY.value.set(m[4], m[5], m[6], m[7]);
    uniforms.rowDepth.value.set(m[8], m[9], m[10], m[11]);
    uniforms.viewport.value.copy(viewport);
    uniforms.background.value.fromArray(look.background as [number, number, number]).divideScalar(255);
    uniforms.scale.value = scale;
    uniforms.largest.value = largest;
    uniforms.opacity.value = look.opacity;
    uniforms.fadeStart.value = look.fadeStart;
    uniforms.fadeEnd.value = look.fadeEnd;
    this.points.material.uniformsNeedUpdate = true;
  }

  dispose(): void {
    this.points.geometry.dispose();
    this.points.material.dispose();
    this.#palette.dispose();
    this.#sizes.dispose();
  }
}

function dataTexture(
  data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
  format: three.PixelFormat,
  type: three.TextureDataType,
): three.DataTexture {
  return new three.DataTexture(data, 256, 1, format, type);
}
