import { expect, test } from "vitest";
import { difference, type Part } from "../../../src/panels/selection/difference";

const own = (parts: Part[]) => parts.filter((part) => part.isOwn).map((part) => part.text.trim());
const joined = (parts: Part[]) => parts.map((part) => part.text).join("");

test("words of one text alone are its own, the rest is common", () => {
  const [left, right] = difference("Mix the flour and water.", "Mix the rye flour and milk.") ?? [[], []];
  expect(own(left)).toEqual(["water."]);
  expect(own(right)).toEqual(["rye", "milk."]);
});

test("the parts put together are the texts, whatever they hold", () => {
  const texts = ["", "  a\n\tb ", "<b>x</b> \u202e y", "a b c a b", "b a"];
  for (const left of texts) {
    for (const right of texts) {
      const found = difference(left, right);
      expect(found?.map(joined)).toEqual([left, right]);
      if (left === right) expect(found?.flat().some((part) => part.isOwn)).toBe(false);
    }
  }
});

test("long texts that differ are not compared, long ones that hardly differ are", () => {
  const words = (seed: string) => Array.from({ length: 3000 }, (_, number) => seed + number).join(" ");
  expect(difference(words("a"), words("b"))).toBeNull();
  expect(difference(`${words("a")} x ${words("b")}`, `${words("a")} y ${words("b")}`)?.map(own)).toEqual([
    ["x"],
    ["y"],
  ]);
});
