import assert from "node:assert/strict";
import { test } from "node:test";
import { longpoll, poll } from "../../../static/js/net/polling.js";
import { FakeTime, recorder } from "../fakes.mjs";

const SPEC = { streams: ["polls/A"], positionOf: () => null, audience: false };

/** Answers each request with the next of `list`, and none beyond it. */
function answers(list, requests) {
  return async (url, options) => {
    requests.push({ url, headers: options.headers });
    const next = list.shift();
    if (!next) return new Promise(() => {});
    return { status: next.status, ok: next.status === 200, headers: new Headers(next.headers || {}), json: async () => next.body };
  };
}

test("long polling goes on from the position it has reached", async () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  const requests = [];
  let position = null;
  const fetch = answers([{ status: 200, body: { events: [{ stream: "polls/A" }], pos: "e.7" } }], requests);
  longpoll({ ...SPEC, positionOf: () => position }, { ...on, messages: (list) => { heard.messages.push(...list); position = "e.7"; } }, time.env({ fetch, AbortController }));
  await time.pass(10);
  assert.deepEqual(requests.map((request) => request.url), ["http://wall.test/updates/polls/A?wait=25", "http://wall.test/updates/polls/A?since=e.7&wait=25"]);
});

test("the first long poll with a position is answered at once, and later ones wait", async () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  const requests = [];
  const empty = { status: 200, body: { events: [], pos: "e.7" } };
  const opened = [];
  longpoll({ ...SPEC, positionOf: () => "e.7" }, { ...on, heard: () => opened.push(requests.length) }, time.env({ fetch: answers([empty, empty], requests), AbortController }));
  await time.pass(10);
  const base = "http://wall.test/updates/polls/A?since=e.7&wait=";
  assert.deepEqual(requests.map((request) => request.url), [`${base}0`, `${base}25`, `${base}25`]);
  assert.deepEqual([opened, heard.ended], [[1, 2], []]);
});

test("plain polling sends the ETag and accepts 304", async () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  const requests = [];
  const fetch = answers([{ status: 200, headers: { ETag: '"e.7"' }, body: { events: [{ stream: "polls/A" }] } }, { status: 304 }], requests);
  poll(SPEC, on, time.env({ fetch, AbortController }));
  await time.pass(2_500);
  assert.equal(requests[1].headers["If-None-Match"], '"e.7"');
  assert.deepEqual([heard.messages.length, heard.ended.length], [1, 0]);
});

test("a 503 says when to come back", async () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  longpoll(SPEC, on, time.env({ fetch: answers([{ status: 503, headers: { "Retry-After": "4" } }], []), AbortController }));
  await time.pass(10);
  assert.deepEqual([heard.ended[0].status, heard.ended[0].retry], [503, 4000]);
});
