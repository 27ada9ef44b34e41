// Puts the parts together: the state, the service, the map, the panels.

import { Address, decode } from "./address";
import { Api } from "./api";
import type { Corpus } from "./data/corpus";
import { Stage } from "./draw/stage";
import { installHook } from "./hook";
import { Loading } from "./loading";
import type { ServiceInfo } from "./messages";
import { Outage } from "./outage";
import { layout } from "./panels/layout";
import { Notices } from "./panels/notices";
import type { Page } from "./panels/page";
import { failure } from "./panels/rights";
import { Search } from "./panels/search";
import { TokenDialog } from "./panels/token";
import { INITIAL, type State, Store } from "./state";
import { followTheme } from "./theme";

const store = new Store({ ...INITIAL, ...decode(window.location.hash).state });
const api = new Api(window.location.pathname.replace(/\/viz\/?$/, ""));
const notices = new Notices();
const dialog = new TokenDialog();
const map = document.querySelector<HTMLElement>("#map") ?? document.body;
let announced: ServiceInfo | null = null;

// Asks for the points before anything is built: they come meanwhile.
const loading = new Loading({ api, store, notices });
void loading.load();

followTheme(store);
const stage = new Stage(map, store);
stage.onTrouble = (sentence) => {
  if (sentence === null) notices.hide("drawing");
  else notices.show("drawing", "information", sentence);
};

const page: Page = {
  store,
  api,
  stage,
  notices,
  service: () => announced,
  renewToken: async () => {
    const token = await dialog.ask(false);
    if (token !== null) api.token = token;
    await greet();
  },
  findSimilar: (text) => {
    store.set({ mode: "explore" });
    search.findSimilar(text);
  },
};
const search = new Search(page);
const address = new Address(store, stage, (prompt) => void select(prompt));
api.onUnauthorized = (wasRefused) => dialog.ask(wasRefused);
new Outage(api, notices, () => {
  if (announced === null) void greet();
  loading.resume();
});

layout(page, map, search, (prompt) => address.link(prompt));
document.body.append(dialog.root);
installHook(stage, store);
address.read();
void greet();

/** What this caller may, and whether there is a chat, is not known before the service says it. */
async function greet(): Promise<void> {
  announced = await api.service().catch(() => null);
  store.set({ marked: store.state.marked?.slice() ?? null });
}

/** Selects a prompt by its id, when its point is there. */
async function select(prompt: string): Promise<void> {
  const corpus = await wantedCorpus();
  try {
    const { point } = await api.prompt(prompt, corpus.snapshotId);
    await corpus.complete;
    if (store.state.corpus === corpus) store.set({ selected: point });
  } catch (error) {
    notices.show("select", "trouble", `The prompt of this address is not shown: ${failure(error)}`);
  }
}

/** The snapshot that the state names, when it is there. */
function wantedCorpus(): Promise<Corpus> {
  const wanted = ({ corpus, pinnedSnapshot }: State) =>
    pinnedSnapshot === null || pinnedSnapshot === corpus?.snapshotId ? corpus : null;
  return new Promise((resolve) => {
    const now = wanted(store.state);
    if (now !== null) return resolve(now);
    const end = store.follow((state) => {
      const later = wanted(state);
      if (later === null) return;
      end();
      resolve(later);
    });
  });
}
