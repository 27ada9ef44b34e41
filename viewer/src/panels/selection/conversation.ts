// A conversation turn by turn, and the replies that were given to it. All of it is text of strangers.

import type { Pair, Prompt, Turn } from "../../messages";
import { type Child, element, quoted } from "../element";
import { counted } from "../words";
import { difference, type Part } from "./difference";

const LEAST_COMMON = 0.2;

export function conversation(turns: readonly Turn[]): HTMLElement {
  return element("ol", { class: "turns" }, ...turns.map(turn));
}

/** The pairs of a prompt: what was chosen, what was rejected, and the words in which they differ. */
export function replies(prompt: Prompt): HTMLElement | null {
  const pairs = prompt.pairs.filter((pair) => pair.chosen !== null || pair.rejected !== null);
  if (pairs.length === 0) return null;
  const whole = JSON.stringify(prompt.messages);
  const more =
    prompt.more_pairs > 0 ? element("p", { class: "note" }, `${counted(prompt.more_pairs, "more pair")}.`) : null;
  return element(
    "section",
    { "aria-labelledby": "replies-head" },
    element("h3", { id: "replies-head" }, pairs.length > 1 ? `Replies, ${counted(pairs.length, "pair")}` : "Replies"),
    ...pairs.map((pair) => pairOf(pair, JSON.stringify(pair.messages) === whole)),
    more,
  );
}

function turn({ role, content }: Turn): HTMLElement {
  return element(
    "li",
    { class: `turn ${role === "user" ? "asked" : "answered"}` },
    quoted(role, "role"),
    long(content),
  );
}

function pairOf(pair: Pair, isPrefixShown: boolean): HTMLElement {
  const marks = pair.chosen === null || pair.rejected === null ? null : marked(pair.chosen, pair.rejected);
  const prefix = isPrefixShown
    ? null
    : element("details", {}, element("summary", {}, "Its own conversation"), conversation(pair.messages));
  return element(
    "div",
    { class: "pair" },
    prefix,
    reply("chosen", pair.chosen, marks?.[0] ?? null),
    reply("rejected", pair.rejected, marks?.[1] ?? null),
  );
}

function reply(kind: "chosen" | "rejected", text: string | null, marks: readonly Part[] | null): HTMLElement {
  const body =
    text === null
      ? element("p", { class: "note" }, `This pair has no ${kind} reply.`)
      : long(text, marks === null ? [text] : marks.map(part));
  return element("div", { class: `reply ${kind}` }, element("h4", {}, kind === "chosen" ? "Chosen" : "Rejected"), body);
}

/** Replies with hardly a word in common would be marked from end to end: those say it themselves. */
function marked(chosen: string, rejected: string): readonly [Part[], Part[]] | null {
  const found = difference(chosen, rejected);
  const common = found?.[0].reduce((sum, { text, isOwn }) => sum + (isOwn ? 0 : text.length), 0) ?? 0;
  return common < LEAST_COMMON * Math.min(chosen.length, rejected.length) ? null : found;
}

function part({ text, isOwn }: Part): Child {
  return isOwn ? element("mark", {}, text) : text;
}

/** Text that scrolls inside when it is long; by keyboard too. */
function long(text: string, children: readonly Child[] = [text]): HTMLElement {
  const scrolls = text.length > 600 || text.split("\n").length > 12;
  const attributes = scrolls ? { tabindex: 0, role: "group", "aria-label": "Long text" } : {};
  return element("div", { class: "quoted block", dir: "auto", ...attributes }, ...children);
}
