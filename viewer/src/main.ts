// Puts the parts together: the state, the service, the map, the panels.

import { Address, decode } from "./address";
import { Api } from "./api";
import { DeepLink } from "./deeplink";
import { Stage } from "./draw/stage";
import { installHook } from "./hook";
import { Loading } from "./loading";
import { Outage } from "./outage";
import { layout } from "./panels/layout";
import { Notices } from "./panels/notices";
import type { Page } from "./panels/page";
import { Search } from "./panels/sidebar/search";
import { TokenDialog } from "./panels/token";
import { INITIAL, Store } from "./state";
import { followTheme } from "./theme";

const store = new Store({ ...INITIAL, ...decode(window.location.hash).state });
const api = new Api(window.location.pathname.replace(/\/viz\/?$/, ""));
const notices = new Notices();
const dialog = new TokenDialog();
const map = document.querySelector<HTMLElement>("#map") ?? document.body;
let greeting = 0;

const loading = new Loading({ api, store, notices });
const link = new DeepLink({ api, store, notices, loading });
new Outage(api, notices, () => {
  if (store.state.service === null) void greet();
  store.set({ returns: store.state.returns + 1 });
  loading.resume();
  link.resume();
});
api.onUnauthorized = (wasRefused) => dialog.ask(wasRefused);
document.body.append(dialog.root, notices.root);
// The points come first: building the page would hold them up.
await loading.begin();

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
  renewToken: async () => {
    const token = await dialog.ask(false);
    if (token !== null) api.token = token;
  },
  findSimilar: (prompt) => {
    store.set({ mode: "explore" });
    search.findSimilar(prompt);
  },
};
const search = new Search(page);
const address = new Address(store, stage, link);
api.onToken = () => void greet();

layout(page, map, search, (prompt) => address.link(prompt));
installHook(stage, store);
void loading.load();
address.read();
void greet();

/** What this caller may, and whether there is a chat, is not known before the service says it of the last token. */
async function greet(): Promise<void> {
  const turn = ++greeting;
  const service = await api.service().catch(() => null);
  if (turn === greeting) store.set({ service });
}
