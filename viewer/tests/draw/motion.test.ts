import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Motion } from "../../src/draw/motion";

const FRAME = 1000 / 60;
const IDLE = 4_000;
let wantsStillness = false;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  wantsStillness = false;
  const { setTimeout, clearTimeout } = globalThis;
  vi.stubGlobal("window", {
    matchMedia: () => ({
      get matches() {
        return wantsStillness;
      },
    }),
    setTimeout,
    clearTimeout,
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Steps until nothing moves any more, at most for so many frames; returns how many it were. */
function run(motion: Motion, most: number, mayTurn = false): number {
  for (let frame = 0; frame < most; frame++) {
    vi.advanceTimersByTime(FRAME);
    if (!motion.advance(performance.now(), mayTurn)) return frame;
  }
  return most;
}

test("the camera follows its goal softly, and is exactly there in the end", () => {
  const motion = new Motion();
  motion.go((goal) => Object.assign(goal, { yaw: 2, distance: 1 }), true);
  run(motion, 1);
  expect(motion.pose.yaw).toBeGreaterThan(0.6);
  expect(motion.pose.yaw).toBeLessThan(2);
  expect(run(motion, 200)).toBeLessThan(120);
  expect(motion.pose).toEqual(motion.goal);
});

test("without animation, and for people who want no motion, it is there at once", () => {
  const motion = new Motion();
  motion.go((goal) => Object.assign(goal, { yaw: 2 }), false);
  expect(motion.pose.yaw).toBe(2);
  wantsStillness = true;
  motion.go((goal) => Object.assign(goal, { yaw: 1 }), true);
  expect(motion.pose.yaw).toBe(1);
});

test("it turns when nobody touched it for a while and it may, as fast at any rate of frames", () => {
  const motion = new Motion();
  motion.touch();
  expect(motion.untilTurning(performance.now())).toBe(IDLE);
  expect(run(motion, 2, true)).toBe(0);
  vi.advanceTimersByTime(IDLE);
  expect(run(motion, 60, false)).toBe(0);
  const before = motion.pose.yaw;
  expect(run(motion, 60, true)).toBe(60);
  const turned = motion.pose.yaw - before;
  expect(turned).toBeGreaterThan(0);
  for (let frame = 0; frame < 30; frame++) {
    vi.advanceTimersByTime(2 * FRAME);
    motion.advance(performance.now(), true);
  }
  expect(motion.pose.yaw - before - turned).toBeCloseTo(turned, 3);
  motion.touch();
  expect(run(motion, 2, true)).toBe(0);
});

test("it never turns by itself for people who want no motion", () => {
  wantsStillness = true;
  const motion = new Motion();
  vi.advanceTimersByTime(10 * IDLE);
  expect(motion.untilTurning(performance.now())).toBe(null);
  expect(run(motion, 5, true)).toBe(0);
});

test("who follows it hears once where it came to rest, and nothing of its turning", () => {
  const motion = new Motion();
  const heard: number[] = [];
  motion.follow(({ yaw }) => heard.push(yaw));
  for (const yaw of [1, 2, 3]) motion.go((goal) => Object.assign(goal, { yaw }), true);
  run(motion, 200);
  expect(heard).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(heard).toEqual([3]);
  vi.advanceTimersByTime(IDLE);
  run(motion, 100, true);
  vi.advanceTimersByTime(1_000);
  expect(heard).toEqual([3]);
});
