import { expect, test } from "vitest";
import { approach, type CameraPose, orbit, pan, project, writeProjection, zoom } from "../../src/space/camera";

const VIEW = { width: 800, height: 600 };

function pose(): CameraPose {
  return { yaw: 0.7, pitch: -0.3, distance: 2, target: [0.1, 0.2, -0.3] };
}

function pixel(at: CameraPose, place: readonly [number, number, number]): number[] {
  const projection = new Float64Array(12);
  const out = new Float64Array(3);
  writeProjection(at, VIEW, projection);
  project(projection, ...place, out);
  return [...out];
}

test("the target is in the middle, as far away as the pose says", () => {
  const [x, y, depth] = pixel(pose(), pose().target);
  expect(x).toBeCloseTo(400, 6);
  expect(y).toBeCloseTo(300, 6);
  expect(depth).toBeCloseTo(2, 9);
});

test("without any turn x is to the right, y up and z towards the camera", () => {
  const at: CameraPose = { yaw: 0, pitch: 0, distance: 2, target: [0, 0, 0] };
  expect(pixel(at, [0.5, 0, 0])[0]).toBeGreaterThan(400);
  expect(pixel(at, [0, 0.5, 0])[1]).toBeLessThan(300);
  expect(pixel(at, [0, 0, 0.5])[2]).toBeCloseTo(1.5, 9);
});

test("a pan moves the picture at the target by these pixels", () => {
  const at = pose();
  pan(at, 37, -21, VIEW.height);
  const [x, y] = pixel(at, pose().target);
  expect(x).toBeCloseTo(437, 6);
  expect(y).toBeCloseTo(279, 6);
});

test("a zoom leaves what is under the pointer, at the target's depth, where it is", () => {
  const shifted = pose();
  pan(shifted, -120, 80, VIEW.height);
  const place = shifted.target;
  const before = pixel(pose(), place);
  const at = pose();
  zoom(at, 0.5, before[0] - 400, before[1] - 300, VIEW.height);
  expect(at.distance).toBeCloseTo(1, 9);
  const after = pixel(at, place);
  expect(after[0]).toBeCloseTo(before[0], 6);
  expect(after[1]).toBeCloseTo(before[1], 6);
});

test("nobody turns over the poles", () => {
  const at = pose();
  orbit(at, 1, 10);
  expect(at.pitch).toBeLessThan(Math.PI / 2);
  expect(at.yaw).toBeCloseTo(1.7, 9);
});

test("an approach ends, exactly at its goal", () => {
  const [at, goal] = [pose(), { ...pose(), yaw: 2, distance: 0.5 }];
  let steps = 0;
  while (approach(at, goal, 0.2)) steps++;
  expect(at).toEqual(goal);
  expect(steps).toBeLessThan(80);
});
