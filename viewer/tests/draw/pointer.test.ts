// @vitest-environment happy-dom

import { beforeEach, expect, test, vi } from "vitest";
import { type Gestures, Pointer } from "../../src/draw/pointer";

let host: HTMLElement;
let heard: unknown[][];
let isDrawing: boolean;

beforeEach(() => {
  [host, heard, isDrawing] = [document.createElement("div"), [], false];
  host.setPointerCapture = vi.fn();
  const hear =
    (name: string) =>
    (...said: unknown[]) =>
      heard.push([name, ...said]);
  const names = ["orbit", "pan", "zoom", "hover", "click", "drag", "drawTo", "drawEnd"];
  const gestures = Object.fromEntries(names.map((name) => [name, hear(name)]));
  Object.defineProperty(gestures, "isDrawing", { get: () => isDrawing });
  new Pointer(host, gestures as unknown as Gestures);
});

type Options = { id?: number; kind?: string; button?: number; shiftKey?: boolean };

function send(type: "down" | "move" | "up" | "cancel" | "leave", x: number, y: number, options: Options = {}): void {
  const { id = 1, kind = "mouse", button = 0, shiftKey = false } = options;
  const event = { clientX: x, clientY: y, pointerId: id, pointerType: kind, button, shiftKey };
  host.dispatchEvent(new PointerEvent(`pointer${type}`, event));
}

function wheel(options: WheelEventInit): void {
  const event = new WheelEvent("wheel", { cancelable: true, ...options });
  // happy-dom leaves out what a wheel event has of the mouse
  for (const name of ["clientX", "clientY", "ctrlKey"] as const) {
    Object.defineProperty(event, name, { value: options[name] ?? 0 });
  }
  host.dispatchEvent(event);
}

function of(name: string): unknown[][] {
  return heard.filter(([said]) => said === name).map(([, ...said]) => said);
}

function sum(name: string): [number, number] {
  return (of(name) as [number, number][]).reduce<[number, number]>(([x, y], [dx, dy]) => [x + dx, y + dy], [0, 0]);
}

test("a press that hardly moves is a click, a drag is none", () => {
  send("down", 50, 50);
  send("move", 51, 52);
  send("up", 51, 52);
  expect(of("click")).toEqual([[50, 50, false]]);
  expect(of("orbit")).toEqual([]);
  send("down", 50, 50);
  send("move", 70, 40);
  send("move", 80, 45);
  send("up", 80, 45);
  expect(of("click").length).toBe(1);
  expect(sum("orbit")).toEqual([30, -5]);
  expect(of("drag")).toEqual([[true], [false], [true], [false]]);
});

test("a finger may tremble more than a mouse, and says that it is one", () => {
  send("down", 50, 50, { kind: "touch" });
  send("move", 56, 53, { kind: "touch" });
  send("up", 56, 53, { kind: "touch" });
  expect(of("click")).toEqual([[50, 50, true]]);
});

test.each([[{ button: 2 }], [{ button: 1 }], [{ shiftKey: true }]])(
  "a drag with %o moves the picture, and selects nothing",
  (options) => {
    send("down", 10, 10, options);
    send("move", 30, 25, options);
    send("up", 30, 25, options);
    expect(sum("pan")).toEqual([20, 15]);
    expect(of("orbit")).toEqual([]);
    send("down", 10, 10, { button: 2 });
    send("up", 10, 10, { button: 2 });
    expect(of("click")).toEqual([]);
  },
);

test("two fingers that part zoom in round their middle, and never select", () => {
  send("down", 100, 100, { id: 1, kind: "touch" });
  send("down", 200, 100, { id: 2, kind: "touch" });
  send("move", 80, 100, { id: 1, kind: "touch" });
  send("move", 220, 100, { id: 2, kind: "touch" });
  send("up", 80, 100, { id: 1, kind: "touch" });
  send("up", 220, 100, { id: 2, kind: "touch" });
  const zooms = of("zoom") as [number, number, number][];
  expect(zooms.reduce((product, [factor]) => product * factor, 1)).toBeCloseTo(100 / 140, 9);
  expect(zooms.at(-1)?.slice(1)).toEqual([150, 100]);
  expect(sum("pan")).toEqual([0, 0]);
  expect([of("click"), of("orbit")]).toEqual([[], []]);
});

test("a drag with the lasso draws a line; a second finger gives it up", () => {
  isDrawing = true;
  send("down", 10, 10);
  send("move", 40, 10);
  send("move", 40, 40);
  send("up", 40, 40);
  expect(of("drawTo")).toEqual([
    [10, 10],
    [40, 10],
    [40, 40],
  ]);
  expect(of("drawEnd")).toEqual([[true]]);
  expect([of("orbit"), of("click")]).toEqual([[], []]);
  heard.length = 0;
  send("down", 10, 10, { id: 1, kind: "touch" });
  send("down", 90, 10, { id: 2, kind: "touch" });
  expect(of("drawEnd")).toEqual([[false]]);
});

test("a gesture that the system takes away selects nothing and leaves no line", () => {
  send("down", 10, 10);
  send("cancel", 10, 10);
  expect(of("click")).toEqual([]);
  isDrawing = true;
  send("down", 10, 10);
  send("move", 60, 60);
  send("cancel", 60, 60);
  expect(of("drawEnd")).toEqual([[false]]);
  expect(of("drag").at(-1)).toEqual([false]);
});

test("a pointer without a button hovers, and stops when it leaves", () => {
  send("move", 12, 34);
  send("leave", 0, 0);
  expect(of("hover").map(([x]) => x)).toEqual([12, null]);
});

test("a wheel zooms to where it is, as far in lines as in pixels nearly, and never in leaps", () => {
  wheel({ deltaY: 100, clientX: 5, clientY: 6 });
  wheel({ deltaY: -100, clientX: 5, clientY: 6 });
  wheel({ deltaY: 3, deltaMode: 1, clientX: 5, clientY: 6 });
  wheel({ deltaY: 1e6, clientX: 5, clientY: 6 });
  const [out, back, lines, leap] = of("zoom") as [number, number, number][];
  expect(out.slice(1)).toEqual([5, 6]);
  expect(out[0]).toBeGreaterThan(1);
  expect(out[0] * back[0]).toBeCloseTo(1, 9);
  expect(lines[0]).toBeCloseTo(out[0], 1);
  expect(leap[0]).toBeLessThan(2);
});

test("fingers on a trackpad zoom further than a wheel would by so little", () => {
  wheel({ deltaY: 4 });
  wheel({ deltaY: 4, ctrlKey: true });
  const [[turned], [pinched]] = of("zoom") as [number, number, number][];
  expect(pinched).toBeGreaterThan(turned);
});
