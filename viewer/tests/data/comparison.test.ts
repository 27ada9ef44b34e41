import { expect, test } from "vitest";
import { NOT_SHARED, parseComparison } from "../../src/data/comparison";

function encoded(): ArrayBuffer {
  const buffer = new ArrayBuffer(32 + 2 * 12 + 3);
  const view = new DataView(buffer);
  new Uint8Array(buffer).set(new TextEncoder().encode("KATC"));
  view.setUint16(4, 1, true);
  view.setUint16(6, 12, true);
  [2, 3, 1].forEach((number, place) => {
    view.setUint32(8 + 4 * place, number, true);
  });
  view.setUint8(31, 0xff);
  [100, 200, 300, (9 << 8) | 4].forEach((value, place) => {
    view.setUint16(32 + 2 * place, value, true);
    view.setUint16(44 + 2 * place, value + 1, true);
  });
  view.setUint32(40, NOT_SHARED, true);
  view.setUint32(52, 2, true);
  new Int8Array(buffer).set([-127, 0, 16], 56);
  return buffer;
}

test("a comparison has the other's points, the same ones of this snapshot, and ratios", () => {
  const comparison = parseComparison(encoded());
  expect(comparison.snapshotId).toBe("00000000000000ff");
  expect([...comparison.cloud.values]).toEqual([100, 200, 300, 2308, 101, 201, 301, 2309]);
  expect([...comparison.same]).toEqual([NOT_SHARED, 2]);
  expect([...comparison.ratios]).toEqual([-127, 0, 16]);
  expect(comparison.numShared).toBe(1);
});

test("bytes that miss their end, and other bytes, are told apart", () => {
  expect(() => parseComparison(encoded().slice(0, 58))).toThrow("58 bytes, not 59");
  expect(() => parseComparison(new ArrayBuffer(64))).toThrow("something else");
});
