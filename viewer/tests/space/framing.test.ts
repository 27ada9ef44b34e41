import { expect, test } from "vitest";
import { type CameraPose, HOME, project, writeProjection } from "../../src/space/camera";
import { frameBall, uncover } from "../../src/space/framing";

const SIZE = { width: 980, height: 720 };
const PANEL = { right: 400, bottom: 0 };

function home(): CameraPose {
  return { ...HOME, target: [0, 0, 0] };
}

function seen(pose: CameraPose, [x, y, z]: readonly [number, number, number]): [number, number] {
  const [projection, out] = [new Float64Array(12), new Float64Array(3)];
  writeProjection(pose, SIZE, projection);
  project(projection, x, y, z, out);
  return [out[0], out[1]];
}

/** A place of the layout that is drawn right of the middle. */
function placeAt(share: number): [number, number, number] {
  return [share * Math.cos(HOME.yaw), 0, -share * Math.sin(HOME.yaw)];
}

test("a ball is framed in the middle of what no panel hides", () => {
  const pose = home();
  frameBall(pose, [0.3, -0.2, 0.1], 0.5, SIZE, PANEL);
  const [x, y] = seen(pose, [0.3, -0.2, 0.1]);
  expect(x).toBeCloseTo(290, 0);
  expect(y).toBeCloseTo(360, 0);
});

test("a point under a panel comes out from under it, no farther than needed", () => {
  const [pose, place] = [home(), placeAt(0.8)];
  expect(seen(pose, place)[0]).toBeGreaterThan(580);
  expect(uncover(pose, place, SIZE, PANEL)).toBe(true);
  expect(seen(pose, place)[0]).toBeCloseTo(532, 0);
  expect(pose.distance).toBe(HOME.distance);
});

test("a point that is free stays where it is", () => {
  const pose = home();
  uncover(pose, [0, 0, 0], SIZE, PANEL);
  expect(pose).toEqual(home());
});

test("a point out of the picture comes to the middle; one behind the camera is left to others", () => {
  const [pose, place] = [home(), placeAt(2)];
  uncover(pose, place, SIZE, PANEL);
  expect(seen(pose, place)[0]).toBeCloseTo(290, 0);
  expect(uncover(home(), [3, 2, 3.5], SIZE, PANEL)).toBe(false);
});
