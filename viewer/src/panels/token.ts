// Asks for the service's token. It stays in this tab, and goes nowhere else than to this service.

import { TOKEN } from "../connection";
import { element } from "./element";

const NO_TOKEN =
  "This is no token: tokens have Latin letters, digits and signs without spaces. Something that cannot be seen may have been copied with it; type it, or copy it again.";

export class TokenDialog {
  readonly root: HTMLDialogElement;
  readonly #said = element("p", { class: "wrong", role: "alert" });
  readonly #input = element("input", {
    type: "password",
    id: "token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "token-note",
  });
  #asked: Promise<string | null> | null = null;
  #resolve: ((token: string | null) => void) | null = null;

  constructor() {
    const form = element(
      "form",
      { method: "dialog" },
      element("h2", { id: "token-head" }, "This service needs a token"),
      element(
        "p",
        { id: "token-note" },
        "It was made by the person who started the service. It is kept in this tab only.",
      ),
      this.#said,
      element("label", { for: "token" }, "Token"),
      this.#input,
      element(
        "div",
        { class: "actions" },
        element("button", { type: "submit", class: "main" }, "Continue"),
        element("button", { type: "button", onclick: () => this.root.close() }, "Not now"),
      ),
    );
    this.root = element("dialog", { "aria-labelledby": "token-head" }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      if (TOKEN.test(token)) this.#end(token);
      else this.#said.textContent = NO_TOKEN;
    });
    // Said late of a dialog that may have been opened again since.
    this.root.addEventListener("close", () => {
      if (!this.root.open) this.#end(null);
    });
  }

  /** Resolves with what was entered, or with null; who asks while the dialog is open waits for the same answer. */
  ask(wasRefused: boolean): Promise<string | null> {
    if (this.#asked !== null) return this.#asked;
    this.#said.textContent = wasRefused
      ? "The service does not know this token. Check it, or ask for another one."
      : "";
    this.#input.value = "";
    this.root.showModal();
    this.#asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#asked;
  }

  #end(token: string | null): void {
    const resolve = this.#resolve;
    [this.#asked, this.#resolve] = [null, null];
    this.#input.value = "";
    this.root.close();
    resolve?.(token);
  }
}
