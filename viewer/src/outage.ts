// The service is away: says so over the map, which stays usable, and looks until it is back.

import type { Api } from "./api";
import type { Notices } from "./panels/notices";

const KEY = "outage";
const FIRST_MILLISECONDS = 1_000;
const MOST_MILLISECONDS = 30_000;

export class Outage {
  readonly #api: Api;
  readonly #notices: Notices;
  readonly #onBack: () => void;
  #wait = FIRST_MILLISECONDS;
  #timer = 0;
  #isAway = false;
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(api: Api, notices: Notices, onBack: () => void) {
    this.#api = api;
    this.#notices = notices;
    this.#onBack = onBack;
    api.onReach = (isReached) => (isReached ? this.#end() : this.#begin());
  }

  #begin(): void {
    if (this.#isAway) return;
    this.#isAway = true;
    // Away again at once, as where something cuts each long answer: looks less and less often, as if it had stayed away.
    if (performance.now() - this.#endedAt > MOST_MILLISECONDS) this.#wait = FIRST_MILLISECONDS;
    this.#plan();
  }

  #end(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#endedAt = performance.now();
    window.clearTimeout(this.#timer);
    this.#notices.hide(KEY);
    this.#notices.speak("The service is back.");
    this.#onBack();
  }

  #plan(): void {
    const seconds = Math.round(this.#wait / 1000);
    const sentence = `The service does not answer. What is on the map stays; texts come when it is back. Looking again in ${seconds} s.`;
    this.#notices.show(KEY, "trouble", sentence, [{ label: "Look now", run: () => void this.#look() }]);
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#look(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, MOST_MILLISECONDS);
  }

  /** `isAlive` reports to `onReach`, which ends this when the service is back. */
  async #look(): Promise<void> {
    if (!(await this.#api.isAlive()) && this.#isAway) this.#plan();
  }
}
