import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../../../static/js/net/eventstream.js";
import { longpoll, poll } from "../../../static/js/net/polling.js";
import { sse } from "../../../static/js/net/sse.js";
import { websocket } from "../../../static/js/net/websocket.js";
import { FakeTime, settle } from "../fakes.mjs";

function ears() {
  const heard = { messages: [], ended: [] };
  return { heard, on: { opened() {}, heard() {}, messages: (list) => heard.messages.push(...list), ended: (how) => heard.ended.push(how) } };
}

const nowhere = { streams: ["polls/A"], positionOf: () => null, audience: false };

class FakeSocket {
  constructor(url) {
    FakeSocket.last = this;
    this.url = url;
    this.readyState = 0;
    this.sent = [];
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  open() { this.readyState = 1; this.onopen(); }
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }
}

test("text/event-stream is parsed across any split", () => {
  const text = "retry: 2000\n\n: hello\nid: e.1\ndata: {\"a\":\ndata: 1}\n\nevent: heartbeat\r\ndata: {}\r\n\r\n";
  for (let cut = 0; cut < text.length; cut += 1) {
    const parser = new EventStreamParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    assert.deepEqual(events, [{ event: "message", data: '{"a":\n1}' }, { event: "heartbeat", data: "{}" }], `cut at ${cut}`);
  }
});

test("a retry at the start is a setting, a retry at the end announces the close", () => {
  const parser = new EventStreamParser();
  parser.push("retry: 2000\n\n");
  assert.equal(parser.closing, false);
  parser.push("data: 1\n\n");
  assert.equal(parser.closing, false);
  parser.push("retry: 7000\n\n");
  assert.deepEqual([parser.closing, parser.retry], [true, 7000]);
});

test("a WebSocket opens the first stream and subscribes the others", () => {
  const time = new FakeTime();
  const { on } = ears();
  const positionOf = (stream) => (stream === "polls/A" ? "e.4" : null);
  websocket({ streams: ["walls/K", "polls/A"], positionOf, audience: true }, on, time.env({ WebSocket: FakeSocket }));
  assert.equal(FakeSocket.last.url, "ws://wall.test/ws/walls/K?as=audience");
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [{ do: "subscribe", ref: "s1", stream: "polls/A", since: "e.4" }]);
});

test("a WebSocket follows another item by unsubscribing and subscribing", () => {
  const time = new FakeTime();
  const { on } = ears();
  const handle = websocket({ ...nowhere, streams: ["walls/K", "polls/A"] }, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  handle.follow(["walls/K", "polls/B"]);
  assert.deepEqual(FakeSocket.last.sent.slice(1).map((act) => [act.do, act.stream]), [["unsubscribe", "polls/A"], ["subscribe", "polls/B"]]);
});

test("a refused subscription is an error of its stream", () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  websocket({ ...nowhere, streams: ["walls/K", "polls/A"] }, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  FakeSocket.last.say({ ref: "s1", error: { code: "no_such_stream", message: "" } });
  assert.deepEqual(heard.messages, [{ stream: "polls/A", error: { code: "no_such_stream", message: "" } }]);
});

test("a WebSocket that does not open, or opens and stays silent, is given up", async () => {
  for (const opens of [false, true]) {
    const time = new FakeTime();
    const { heard, on } = ears();
    websocket(nowhere, on, time.env({ WebSocket: FakeSocket }));
    if (opens) FakeSocket.last.open();
    await time.pass(6_000);
    assert.deepEqual(heard.ended.map((how) => how.silent), [true]);
  }
});

test("the close reason of a drain is how long to wait", () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  websocket(nowhere, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  FakeSocket.last.onclose({ code: 4000, reason: "3500" });
  assert.deepEqual([heard.ended[0].code, heard.ended[0].retry], [4000, 3500]);
});

function answers(list, asked) {
  return async (url, options) => {
    asked.push({ url, headers: options.headers });
    const next = list.shift();
    if (!next) return new Promise(() => {});
    return { status: next.status, ok: next.status === 200, headers: new Headers(next.headers || {}), json: async () => next.body };
  };
}

test("server-sent events behind a buffering proxy are given up within seconds", async () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  sse(nowhere, on, time.env({ fetch: () => new Promise(() => {}), AbortController, TextDecoder }));
  await time.pass(4_100);
  assert.equal(heard.ended[0].silent, true);
});

test("long polling goes on from the position it has reached", async () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  const asked = [];
  let position = null;
  const fetch = answers([{ status: 200, body: { events: [{ stream: "polls/A" }], pos: "e.7" } }], asked);
  longpoll({ ...nowhere, positionOf: () => position }, { ...on, messages: (list) => { heard.messages.push(...list); position = "e.7"; } }, time.env({ fetch, AbortController }));
  await time.pass(10);
  assert.deepEqual(asked.map((question) => question.url), ["http://wall.test/updates/polls/A?wait=25", "http://wall.test/updates/polls/A?since=e.7&wait=25"]);
});

test("the first long poll with a position is answered at once, and later ones wait", async () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  const asked = [];
  const nothing = { status: 200, body: { events: [], pos: "e.7" } };
  const opened = [];
  longpoll({ ...nowhere, positionOf: () => "e.7" }, { ...on, heard: () => opened.push(asked.length) }, time.env({ fetch: answers([nothing, nothing], asked), AbortController }));
  await time.pass(10);
  const base = "http://wall.test/updates/polls/A?since=e.7&wait=";
  assert.deepEqual(asked.map((question) => question.url), [`${base}0`, `${base}25`, `${base}25`]);
  assert.deepEqual([opened, heard.ended], [[1, 2], []]);
});

test("plain polling sends the ETag and accepts 304", async () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  const asked = [];
  const fetch = answers([{ status: 200, headers: { ETag: '"e.7"' }, body: { events: [{ stream: "polls/A" }] } }, { status: 304 }], asked);
  poll(nowhere, on, time.env({ fetch, AbortController }));
  await time.pass(2_500);
  assert.equal(asked[1].headers["If-None-Match"], '"e.7"');
  assert.deepEqual([heard.messages.length, heard.ended.length], [1, 0]);
});

test("a 503 says when to come back", async () => {
  const time = new FakeTime();
  const { heard, on } = ears();
  longpoll(nowhere, on, time.env({ fetch: answers([{ status: 503, headers: { "Retry-After": "4" } }], []), AbortController }));
  await time.pass(10);
  assert.deepEqual([heard.ended[0].status, heard.ended[0].retry], [503, 4000]);
  await settle();
});
