// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from "vitest";
import { Api } from "../src/api";
import { ApiError } from "../src/connection";
import { FormatError } from "../src/format";

function answers(...list: (Response | Error)[]) {
  const sent = vi.fn(async (_address: string, _init: RequestInit) => {
    const next = list.shift();
    if (next === undefined || next instanceof Error) throw next ?? new Error("no answer is left");
    return next;
  });
  vi.stubGlobal("fetch", sent);
  return sent;
}

const json = (value: unknown, status = 200, headers = {}) => new Response(JSON.stringify(value), { status, headers });

beforeEach(() => sessionStorage.clear());

test("a snapshot is named in the address and a text only in the body", async () => {
  const sent = answers(json({ results: [] }));
  await new Api("http://there").search("a secret?", "meaning", 20, "00ff00ff00ff00ff");
  const [address, init] = sent.mock.calls[0] as [string, RequestInit];
  expect(address).toBe("http://there/v1/search?snapshot=00ff00ff00ff00ff");
  expect(JSON.parse(init.body as string)).toEqual({ text: "a secret?", mode: "meaning", limit: 20 });
});

test("an error carries the service's sentence and its status", async () => {
  answers(json({ detail: "There is no such prompt." }, 404));
  await expect(new Api().prompt("00", null)).rejects.toMatchObject({ status: 404, detail: "There is no such prompt." });
});

test("no answer, and a proxy's answer for a service that is away, have no status", async () => {
  const api = new Api();
  const reached: boolean[] = [];
  api.onReach = (is) => reached.push(is);
  answers(new TypeError("failed"), new Response("bad gateway", { status: 502 }), json({ snapshots: [] }));
  await expect(api.snapshots()).rejects.toMatchObject({ status: null });
  await expect(api.snapshots()).rejects.toMatchObject({ status: null });
  await api.snapshots();
  expect(reached).toEqual([false, false, true]);
});

test("requests wait for one token, which is asked for once, and go on with it", async () => {
  const refusal = () => json({ detail: "A valid token is needed." }, 401);
  const sent = answers(refusal(), refusal(), json({ snapshots: [] }), json({ snapshots: [] }));
  const api = new Api();
  const ask = vi.fn(async (_wasRefused: boolean) => "secret");
  api.onUnauthorized = ask;
  api.onToken = vi.fn();
  await Promise.all([api.snapshots(), api.snapshots()]);
  expect(api.onToken).toHaveBeenCalledOnce();
  expect(ask.mock.calls).toEqual([[false]]);
  expect(new Headers(sent.mock.calls[3]?.[1].headers).get("Authorization")).toBe("Bearer secret");
  expect(sessionStorage.length).toBe(1);
  expect(localStorage.length).toBe(0);
});

test("a wrong token is said to be wrong, and without one the request fails", async () => {
  answers(json({ detail: "A valid token is needed." }, 401));
  const api = new Api();
  api.token = "wrong";
  const ask = vi.fn(async (_wasRefused: boolean) => null);
  api.onUnauthorized = ask;
  await expect(api.snapshots()).rejects.toBeInstanceOf(ApiError);
  expect(ask.mock.calls).toEqual([[true]]);
});

test("a kept token that no header can carry is asked for again", async () => {
  const sent = answers(json({ detail: "A valid token is needed." }, 401), json({ snapshots: [] }));
  sessionStorage.setItem("kat-ray.token", "secret\u200b");
  const api = new Api();
  api.onUnauthorized = async () => "secret";
  await api.snapshots();
  expect(new Headers(sent.mock.calls[1]?.[1].headers).get("Authorization")).toBe("Bearer secret");
});

test("a busy service is asked again after the time that it says", async () => {
  const sent = answers(json({ detail: "Busy." }, 429, { "Retry-After": "0" }), json({ snapshots: [] }));
  await new Api().snapshots();
  expect(sent).toHaveBeenCalledTimes(2);
});

test("an abort is no outage", async () => {
  const abort = new AbortController();
  abort.abort();
  answers(new DOMException("aborted", "AbortError"));
  const api = new Api();
  api.onReach = vi.fn();
  await expect(api.meta(null, abort.signal)).rejects.toMatchObject({ name: "AbortError" });
  expect(api.onReach).not.toHaveBeenCalled();
});

test.each(["meta", "bytes"] as const)("a body that breaks off is an outage (%s)", async (route) => {
  const body = new ReadableStream({ start: (stream) => stream.error(new TypeError("network error")) });
  answers(new Response(body));
  const api = new Api();
  const reached: boolean[] = [];
  api.onReach = (is) => reached.push(is);
  await expect(route === "meta" ? api.meta(null) : api.bytes("/v1/points/ids", null)).rejects.toMatchObject({
    status: null,
  });
  expect(reached).toEqual([true, false]);
});

test("an answer that is whole but no JSON is said to be that, and is no outage", async () => {
  answers(new Response("<html>"));
  const api = new Api();
  const reached: boolean[] = [];
  api.onReach = (is) => reached.push(is);
  await expect(api.meta(null)).rejects.toBeInstanceOf(FormatError);
  expect(reached).toEqual([true]);
});
