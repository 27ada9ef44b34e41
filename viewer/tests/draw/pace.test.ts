import { expect, test } from "vitest";
import { Pace } from "../../src/draw/pace";

const TOTAL = 1_000_000;

/** Draws frames that each take so long, and gives how much of the picture each adds. */
function frames(pace: Pace, milliseconds: number, count: number): number[] {
  const added: number[] = [];
  for (let frame = 0; frame < count; frame++) {
    pace.restart();
    pace.begin(1000 + frame * milliseconds);
    added.push(pace.next(TOTAL));
  }
  return added;
}

test("a picture is complete when all of it is drawn, in as many frames as it needs", () => {
  const pace = new Pace(TOTAL / 4);
  expect(pace.isComplete).toBe(true);
  pace.restart();
  let count = 0;
  for (; !pace.isComplete; count++) pace.drawn = pace.next(TOTAL);
  expect(count).toBe(4);
  expect(pace.drawn).toBe(1);
});

test("frames that take too long get less to draw, but never nothing; quick ones more", () => {
  const slow = frames(new Pace(100_000), 50, 60);
  expect(slow.at(-1)).toBeLessThan(slow[0]);
  expect(slow.at(-1)).toBeGreaterThan(0);
  const quick = frames(new Pace(100_000), 10, 40);
  expect(quick.at(-1)).toBe(1);
});

test("where drawing is over at once, its own time counts, and a busy machine does not make pictures of crumbs", () => {
  const pace = new Pace(100_000);
  const drawAt = (pointsPerMillisecond: number) => {
    for (let frame = 0; frame < 12; frame++) {
      pace.restart();
      const points = pace.next(TOTAL) * TOTAL;
      pace.tell(points, points / pointsPerMillisecond);
    }
    pace.restart();
    return pace.next(TOTAL) * TOTAL;
  };
  expect(drawAt(20_000) / 320_000).toBeCloseTo(1, 1);
  expect(drawAt(5_000) / 80_000).toBeCloseTo(1, 1);
  expect(drawAt(10)).toBe(25_000);
});

test("the time between a frame and one long after it says nothing", () => {
  const pace = new Pace(100_000);
  pace.restart();
  pace.begin(0);
  const before = pace.next(TOTAL);
  pace.rest();
  pace.begin(60_000);
  expect(pace.next(TOTAL)).toBe(before);
});

test("a picture of no points is complete at once", () => {
  const pace = new Pace(10);
  pace.restart();
  expect(pace.next(0)).toBe(1);
});
