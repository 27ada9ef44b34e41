import { expect, test } from "vitest";
import { CloudReader, parseHeader } from "../../src/data/cloud";

function encoded(numPoints: number): Uint8Array {
  const bytes = new Uint8Array(32 + 8 * numPoints);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("KATP"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 8, true);
  view.setUint32(8, numPoints, true);
  [1, 2, 3].forEach((end, level) => {
    view.setUint32(12 + 4 * level, end, true);
  });
  bytes.set([0x47, 0x81, 0x29, 0x49, 0x6d, 0x29, 0x6b, 0xbe], 24);
  for (let at = 32; at < bytes.length; at++) bytes[at] = (at * 31) % 251;
  return bytes;
}

function read(bytes: Uint8Array, pieceBytes: number, mostPoints = 1000): CloudReader {
  const reader = new CloudReader(mostPoints);
  for (let start = 0; start < bytes.length; start += pieceBytes) reader.push(bytes.slice(start, start + pieceBytes));
  return reader;
}

test("the header says how many points there are, where levels end, and of which snapshot", () => {
  expect(parseHeader(encoded(7))).toEqual({ numPoints: 7, levelEnds: [1, 2, 3, 7], snapshotId: "478129496d296bbe" });
});

test.each([1, 3, 8, 31, 33, 1000])("pieces of %i bytes give the same points", (pieceBytes) => {
  const bytes = encoded(20);
  const reader = read(bytes, pieceBytes);
  expect(reader.isComplete).toBe(true);
  expect(reader.cloud?.loaded).toBe(20);
  expect(new Uint8Array(reader.cloud?.values.buffer ?? new ArrayBuffer(0))).toEqual(bytes.slice(32));
});

test("points count as there when all of their bytes are", () => {
  const reader = read(encoded(20).slice(0, 32 + 8 * 5 + 7), 1000);
  expect(reader.cloud?.loaded).toBe(5);
  expect(() => reader.finish()).toThrow("ended after 79 of 192 bytes");
});

test("no more points are taken than wanted", () => {
  const reader = read(encoded(20), 13, 4);
  expect([reader.isComplete, reader.cloud?.numPoints, reader.cloud?.loaded]).toEqual([true, 4, 4]);
});

test("bytes of something else are told apart", () => {
  expect(() => read(new TextEncoder().encode(`<!doctype html>${" ".repeat(40)}`), 100)).toThrow("something else");
  const newer = encoded(3);
  newer[4] = 2;
  expect(() => read(newer, 100)).toThrow("version 2");
});
