import { expect, test } from "vitest";
import { ApiError } from "../../src/connection";
import { parseComparison } from "../../src/data/comparison";
import { failure } from "../../src/panels/rights";

test("an answer that cannot be read is a sentence like any other failure", () => {
  let thrown: unknown = null;
  try {
    parseComparison(new ArrayBuffer(3));
  } catch (error) {
    thrown = error;
  }
  expect(failure(thrown)).toContain("something else than a comparison");
  expect(failure(new ApiError(404, "There is no such prompt."))).toBe("There is no such prompt.");
});

test("a mistake of the page itself is not hidden", () => {
  expect(() => failure(new TypeError("x is undefined"))).toThrow(TypeError);
});
