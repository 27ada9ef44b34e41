// @vitest-environment happy-dom
import { expect, test } from "vitest";
import type { Prompt } from "../../../src/messages";
import { replies } from "../../../src/panels/selection/conversation";

const TURNS = [{ role: "user", content: "question" }];

test.each([
  ["chosen", "rejected"],
  ["rejected", "chosen"],
] as const)("a pair that has a %s reply alone says that it has no %s one", (has, lacks) => {
  const pair = { messages: TURNS, chosen: null, rejected: null, source: "hh", [has]: "an answer" };
  const prompt = { messages: TURNS, pairs: [pair], more_pairs: 0 } as unknown as Prompt;
  const said = (kind: string) => replies(prompt)?.querySelector(`.reply.${kind}`)?.textContent;
  expect(said(has)).toContain("an answer");
  expect(said(lacks)).toContain(`This pair has no ${lacks} reply.`);
});
