import { expect, test } from "vitest";
import { shortTerm } from "../../src/space/terms";

test("a word stays whole, and what is longer than one is cut between characters", () => {
  expect(shortTerm("internationalization")).toBe("internationalization");
  expect(shortTerm("a".repeat(400))).toBe(`${"a".repeat(19)}…`);
  expect(shortTerm("😀".repeat(30))).toBe(`${"😀".repeat(19)}…`);
});
