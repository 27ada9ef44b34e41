// Another snapshot's prompts, placed into the map of this one. Knows the format, nothing of HTTP.

import { FormatError } from "../format";
import { type Cloud, hex } from "./cloud";

export interface Comparison {
  /** The other snapshot. */
  readonly snapshotId: string;
  /** The other's prompts in its own order of points, where they fall on this map, with its own codes of sources. */
  readonly cloud: Cloud;
  /** The point of this snapshot with the same id for each of the other's; NOT_SHARED where there is none. */
  readonly same: Uint32Array;
  readonly numShared: number;
  /** For each point of this snapshot 16 x log2 of the other's share around it over this one's, -127 to 127. */
  readonly ratios: Int8Array;
}

export const NOT_SHARED = 0xffffffff;
/** Steps of `Comparison.ratios` for a factor of two. */
export const RATIO_STEPS = 16;

const MAGIC = 0x4354414b; // "KATC", read as a little-endian number
const VERSION = 1;
const HEADER_BYTES = 32;
const POINT_BYTES = 12;

export function parseComparison(buffer: ArrayBuffer): Comparison {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new FormatError("The service answered something else than a comparison of snapshots. Reload the page.");
  }
  checkVersion(view.getUint16(4, true), view.getUint16(6, true));
  const numOther = view.getUint32(8, true);
  const numPoints = view.getUint32(12, true);
  const expected = HEADER_BYTES + POINT_BYTES * numOther + numPoints;
  if (buffer.byteLength !== expected) {
    throw new FormatError(`The comparison has ${buffer.byteLength} bytes, not ${expected}. Ask for it again.`);
  }
  return {
    snapshotId: hex(new Uint8Array(buffer, 24, 8)),
    ...points(buffer, numOther),
    numShared: view.getUint32(16, true),
    ratios: new Int8Array(buffer, HEADER_BYTES + POINT_BYTES * numOther, numPoints),
  };
}

function checkVersion(version: number, pointBytes: number): void {
  if (version === VERSION && pointBytes === POINT_BYTES) return;
  throw new FormatError(
    `This page reads comparisons of version ${VERSION}; the service has version ${version}. Reload the page to get the one that fits.`,
  );
}

/** Takes the records apart: 8 bytes as in a cloud, then the number of the same point. */
function points(buffer: ArrayBuffer, count: number): { cloud: Cloud; same: Uint32Array } {
  const words = new Uint32Array(buffer, HEADER_BYTES, (POINT_BYTES / 4) * count);
  const packed = new Uint32Array(2 * count);
  const same = new Uint32Array(count);
  for (let point = 0; point < count; point++) {
    packed[2 * point] = words[3 * point];
    packed[2 * point + 1] = words[3 * point + 1];
    same[point] = words[3 * point + 2];
  }
  return { cloud: { values: new Uint16Array(packed.buffer), numPoints: count, loaded: count }, same };
}
