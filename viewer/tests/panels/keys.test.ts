// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { element } from "../../src/panels/element";
import { followKeys } from "../../src/panels/keys";
import { Search } from "../../src/panels/sidebar/search";
import { fakePage } from "../service";

const places: Record<string, HTMLElement> = {
  tab: element("button", { role: "tab" }),
  list: element("select"),
  slider: element("input", { type: "range" }),
  text: element("input", { type: "search" }),
  selection: element("aside", { tabIndex: -1 }),
};
const help = element("dialog");
document.body.append(...Object.values(places), help);

function press(place: EventTarget): void {
  place.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
}

test("Esc takes the open prompt, then the marks, wherever the focus is but in a text or a dialog", async () => {
  const marked = Uint32Array.of(1, 2);
  const { page, store, stage } = await fakePage();
  followKeys(page, { search: new Search(page), help, selection: places.selection, open: vi.fn() });
  const left = () => [store.state.selected, store.state.marked];
  for (const place of [places.tab, places.list, places.slider, document.body, places.selection]) {
    store.set({ selected: 3, marked });
    press(place);
    expect(left()).toEqual([null, marked]);
    expect(stage.focus).not.toHaveBeenCalled();
    press(place);
    expect(left()).toEqual([null, null]);
    const hasFocus = place === document.body || place === places.selection;
    expect(stage.focus).toHaveBeenCalledTimes(hasFocus ? 1 : 0);
    stage.focus.mockClear();
  }
  store.set({ selected: 3 });
  press(places.text);
  help.setAttribute("open", "");
  press(places.tab);
  expect(store.state.selected).toBe(3);
});
