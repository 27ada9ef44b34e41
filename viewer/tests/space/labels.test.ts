import { expect, test } from "vitest";
import { writeProjection } from "../../src/space/camera";
import { arrange, type Box, boxOf, clusterLabels, type Label } from "../../src/space/labels";
import { randomCloud } from "../clouds";

const cloud = randomCloud(3000);
const VIEW = { width: 400, height: 300 };

function boxes(count: number): Box[] {
  const clusters = Array.from({ length: count }, (_, label) => ({
    label,
    size: 1000 - label,
    terms: [`name${label}`],
  }));
  const labels = Uint16Array.from({ length: 3000 }, (_, point) => point % count);
  return clusterLabels(cloud, labels, clusters).map((label) => boxOf(label, 80, 20, { right: 0, down: 0 }));
}

function arranged(all: Box[], yaw = 0, others: Box[] = []): Box[] {
  const projection = new Float64Array(12);
  writeProjection({ yaw, pitch: 0.2, distance: 1.8, target: [0, 0, 0] }, VIEW, projection);
  arrange(all, others, 24, projection, VIEW.width, VIEW.height);
  return all.filter((box) => box.isShown);
}

test("a name stands at a point of its cluster, near the middle of them", () => {
  const corner = randomCloud(400);
  for (let point = 0; point < 400; point += 2) corner.values.fill(60_000 + point, 4 * point, 4 * point + 3);
  const labels = Uint16Array.from({ length: 400 }, (_, point) => point % 2);
  const [label] = clusterLabels(corner, labels, [{ label: 0, size: 200, terms: ["bread", "bake", "oven"] }]);
  expect(label.text).toBe("bread · bake");
  for (const place of label.position) expect(place).toBeGreaterThan(0.8);
});

test("names that are shown do not cover each other and are inside", () => {
  const shown = arranged(boxes(60));
  expect(shown.length).toBeGreaterThan(2);
  expect(shown.length).toBeLessThanOrEqual(24);
  for (const a of shown) {
    expect(a.x > 40 && a.x < 360 && a.y > 10 && a.y < 290).toBe(true);
    for (const b of shown) expect(a === b || Math.abs(a.x - b.x) >= 80 || Math.abs(a.y - b.y) >= 20).toBe(true);
  }
});

test("a name stays while there is room for it", () => {
  const all = boxes(60);
  const before = arranged(all);
  expect(arranged(all, 0.0002)).toEqual(before);
});

test("names yield to others that stand already, and stand beside their places as they are told", () => {
  const textAt = (position: Label["position"], right: number, down: number) =>
    boxOf({ text: "mine", position }, 80, 20, { right, down });
  const alone = arranged(boxes(60));
  const texts = alone.slice(0, 3).map(({ label }) => textAt(label.position, 30, 0));
  const stand = arranged(texts);
  expect(stand.length).toBeGreaterThan(0);
  const yielding = arranged(boxes(60), 0, texts);
  const covers = (a: Box, b: Box) => Math.abs(a.x - b.x) < 80 && Math.abs(a.y - b.y) < 20;
  expect(alone.some((name) => stand.some((text) => covers(name, text)))).toBe(true);
  expect(yielding.some((name) => stand.some((text) => covers(name, text)))).toBe(false);
  const [aside] = arranged([textAt([0, 0, 0], 50, 7)]);
  expect(aside.x).toBeCloseTo(VIEW.width / 2 + 50);
  expect(aside.y).toBeCloseTo(VIEW.height / 2 + 7);
});

test("the largest cluster goes first", () => {
  expect(boxes(60)[0].label.text).toBe("name0");
  expect(boxes(60).length).toBe(60);
});
