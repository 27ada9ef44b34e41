// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { TokenDialog } from "../../src/panels/token";

let dialog: TokenDialog;

beforeEach(() => {
  dialog = new TokenDialog();
  document.body.replaceChildren(dialog.root);
});

function enter(text: string): void {
  (dialog.root.querySelector("input") as HTMLInputElement).value = text;
  dialog.root.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true }));
}

test("what no header can carry is no token: the form says so and stays", async () => {
  const asked = dialog.ask(false);
  enter("secret\u200b");
  expect(dialog.root.open).toBe(true);
  expect(dialog.root.querySelector("[role=alert]")?.textContent).toContain("This is no token");
  enter(" secret ");
  expect(await asked).toBe("secret");
  expect(dialog.root.open).toBe(false);
});

test("all who ask while the dialog is open get the same answer", async () => {
  const asked = [dialog.ask(false), dialog.ask(true)];
  enter("secret");
  expect(await Promise.all(asked)).toEqual(["secret", "secret"]);
});
