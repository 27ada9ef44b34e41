// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Kept } from "../src/storage";

test("a value is kept in the browser, and can be taken away", () => {
  const kept = new Kept(() => window.localStorage, "color");
  kept.value = "dark";
  expect(window.localStorage.getItem("color")).toBe("dark");
  kept.value = null;
  expect([kept.value, window.localStorage.length]).toEqual([null, 0]);
});

test("where the browser lets a page keep nothing, a value lasts as long as the page", () => {
  const blocked = new Kept(() => {
    throw new DOMException("blocked", "SecurityError");
  }, "color");
  expect(blocked.value).toBe(null);
  blocked.value = "dark";
  expect(blocked.value).toBe("dark");
});
