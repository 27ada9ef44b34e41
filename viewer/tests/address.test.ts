import { expect, test } from "vitest";
import { decode, encode } from "../src/address";
import { INITIAL, type State } from "../src/state";

const STATE: State = {
  ...INITIAL,
  pinnedSnapshot: "bb3535d7905ffd53",
  mode: "sampling",
  colorBy: "weight",
  sizeFactor: 2.5,
  filter: { hiddenSources: new Set([7, 0]), density: [0.1, 0.9], clusters: { isOnly: true, labels: new Set([0]) } },
  strength: 0,
  showGrid: false,
};
const POSE = { yaw: -1.5, pitch: 0.25, distance: 2.125, target: [0, -0.5, 1] as [number, number, number] };
const PROMPT = "47efe636b4484456";

test("an address brings back what was shown", () => {
  const view = decode(`#${encode(STATE, PROMPT, POSE)}`);
  expect({ ...INITIAL, ...view.state }).toEqual(STATE);
  expect(view.prompt).toBe(PROMPT);
  expect(view.pose).toEqual(POSE);
});

test.each([
  [true, []],
  [true, [4, 17]],
  [false, [4, 17]],
])("clusters shown alone (%s) or hidden come back: %o", (isOnly, labels) => {
  const clusters = { isOnly, labels: new Set(labels) };
  const state = { ...INITIAL, filter: { ...INITIAL.filter, clusters } };
  expect(decode(encode(state, null, null)).state.filter?.clusters).toEqual(clusters);
});

test("the start has an empty address, and an empty address is the start", () => {
  expect(encode(INITIAL, null, null)).toBe("");
  expect({ ...INITIAL, ...decode("").state }).toEqual(INITIAL);
});

test("rubbish is ignored, and numbers stay in their ranges", () => {
  const rubbish = [
    "#map",
    "#%%%&&==",
    "#size=NaN&opacity=Infinity&density=5-1&hide=a.b&cluster=-3&camera=1_2_3",
    "#snapshot=../../etc&prompt=<script>&mode=__proto__&color=constructor&camera=0_0_-1_0_0_0&labels=toString",
  ];
  for (const hash of rubbish) {
    const view = decode(hash);
    expect({ ...INITIAL, ...view.state }).toEqual(INITIAL);
    expect([view.prompt, view.pose]).toEqual([null, null]);
  }
  expect(decode("#size=99&strength=-2").state).toMatchObject({ sizeFactor: 5, strength: 0 });
});
