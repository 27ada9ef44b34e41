// The bytes of a point cloud as arrays that fill while they arrive. Knows the format (kat_ray/snapshot/point_cloud.py),
// nothing of HTTP.

import { FormatError } from "../format";

/** Points in an order of which any beginning is a fair picture of the whole. */
export interface Cloud {
  /** Four per point: x, y, z as 0 to 65535 for -1 to 1, and source code | density percentile (0 to 255) << 8. */
  readonly values: Uint16Array<ArrayBuffer>;
  /** Points that there is room for: all of the snapshot's, or as many as the reader was to take. */
  readonly numPoints: number;
  /** Points that are there so far. */
  loaded: number;
}

/** What the first 32 bytes say. */
interface CloudHeader {
  readonly numPoints: number;
  /** Points up to the end of each of the four levels. */
  readonly levelEnds: readonly [number, number, number, number];
  readonly snapshotId: string;
}

export const HEADER_BYTES = 32;
export const POINT_BYTES = 8;

const MAGIC = 0x5054414b; // "KATP", read as a little-endian number
const VERSION = 1;

/** Takes the bytes of a cloud in pieces of any size. */
export class CloudReader {
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #mostPoints: number;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #received = 0;
  #cloud: Cloud | null = null;

  constructor(mostPoints: number) {
    this.#mostPoints = mostPoints;
  }

  /** Null until the header is there. */
  get cloud(): Cloud | null {
    return this.#cloud;
  }

  /** Whether all points that are wanted are there. */
  get isComplete(): boolean {
    return this.#cloud !== null && this.#cloud.loaded === this.#cloud.numPoints;
  }

  push(piece: Uint8Array): void {
    let rest = piece;
    if (this.#received < HEADER_BYTES) {
      const taken = Math.min(HEADER_BYTES - this.#received, rest.length);
      this.#header.set(rest.subarray(0, taken), this.#received);
      this.#received += taken;
      rest = rest.subarray(taken);
      if (this.#received < HEADER_BYTES) return;
      this.#open();
    }
    this.#fill(rest);
  }

  /** To call when no more bytes come. */
  finish(): void {
    if (this.isComplete) return;
    const wanted = this.#cloud === null ? HEADER_BYTES : HEADER_BYTES + POINT_BYTES * this.#cloud.numPoints;
    throw new FormatError(
      `The point cloud ended after ${this.#received} of ${wanted} bytes. Reload the page; if it stays so, something between the service and this page cuts long answers.`,
    );
  }

  #open(): void {
    const numPoints = Math.min(parseHeader(this.#header).numPoints, this.#mostPoints);
    this.#bytes = new Uint8Array(POINT_BYTES * numPoints);
    this.#cloud = { values: new Uint16Array(this.#bytes.buffer), numPoints, loaded: 0 };
  }

  #fill(piece: Uint8Array): void {
    if (this.#cloud === null) return;
    const start = this.#received - HEADER_BYTES;
    const taken = Math.min(piece.length, this.#bytes.length - start);
    this.#bytes.set(piece.subarray(0, taken), start);
    this.#received += taken;
    this.#cloud.loaded = Math.floor((start + taken) / POINT_BYTES);
  }
}

/** Throws with a sentence when these are not the first bytes of a cloud. */
export function parseHeader(bytes: Uint8Array): CloudHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new FormatError("The service answered something else than a point cloud. Is this address a KAT-Ray service?");
  }
  const version = view.getUint16(4, true);
  const pointBytes = view.getUint16(6, true);
  if (version !== VERSION || pointBytes !== POINT_BYTES) {
    throw new FormatError(
      `This page reads point clouds of version ${VERSION} with ${POINT_BYTES} bytes a point; the service has version ${version} with ${pointBytes}. Reload the page to get the one that fits.`,
    );
  }
  const numPoints = view.getUint32(8, true);
  const levels = [12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number];
  return { numPoints, levelEnds: [...levels, numPoints], snapshotId: hex(bytes.subarray(24, 32)) };
}

/** Bytes as hex digits, as snapshot ids are written. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
