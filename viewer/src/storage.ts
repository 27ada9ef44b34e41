// What the page keeps in the browser. Where the browser does not let it, it is kept until the page is closed.

/** One value under its key. Example: `new Kept(() => window.localStorage, "theme").value = "dark"` */
export class Kept {
  readonly #open: () => Storage;
  readonly #key: string;
  #here: string | null = null;

  /** Opening a storage may already be refused. */
  constructor(open: () => Storage, key: string) {
    this.#open = open;
    this.#key = key;
  }

  get value(): string | null {
    try {
      return this.#open().getItem(this.#key) ?? this.#here;
    } catch {
      return this.#here;
    }
  }

  set value(value: string | null) {
    this.#here = null;
    try {
      if (value === null) this.#open().removeItem(this.#key);
      else this.#open().setItem(this.#key, value);
    } catch {
      this.#here = value;
    }
  }
}
