import assert from "node:assert/strict";
import { test } from "node:test";
import { websocket } from "../../../static/js/net/websocket.js";
import { FakeTime, recorder } from "../fakes.mjs";

const SPEC = { streams: ["polls/A"], positionOf: () => null, audience: false };

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

test("a WebSocket opens the first stream and subscribes the others", () => {
  const time = new FakeTime();
  const { on } = recorder();
  const positionOf = (stream) => (stream === "polls/A" ? "e.4" : null);
  websocket({ streams: ["walls/K", "polls/A"], positionOf, audience: true }, on, time.env({ WebSocket: FakeSocket }));
  assert.equal(FakeSocket.last.url, "ws://wall.test/ws/walls/K?as=audience");
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [{ do: "subscribe", ref: "s1", stream: "polls/A", since: "e.4" }]);
});

test("a WebSocket follows another item by unsubscribing and subscribing", () => {
  const time = new FakeTime();
  const { on } = recorder();
  const handle = websocket({ ...SPEC, streams: ["walls/K", "polls/A"] }, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  handle.follow(["walls/K", "polls/B"]);
  assert.deepEqual(FakeSocket.last.sent.slice(1).map((request) => [request.do, request.stream]), [["unsubscribe", "polls/A"], ["subscribe", "polls/B"]]);
});

test("a refused subscription is an error of its stream", () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  websocket({ ...SPEC, streams: ["walls/K", "polls/A"] }, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  FakeSocket.last.say({ ref: "s1", error: { code: "no_such_stream", message: "" } });
  assert.deepEqual(heard.messages, [{ stream: "polls/A", error: { code: "no_such_stream", message: "" } }]);
});

test("a WebSocket that does not open, or opens and stays silent, is given up", async () => {
  for (const opens of [false, true]) {
    const time = new FakeTime();
    const { heard, on } = recorder();
    websocket(SPEC, on, time.env({ WebSocket: FakeSocket }));
    if (opens) FakeSocket.last.open();
    await time.pass(6_000);
    assert.deepEqual(heard.ended.map((ending) => ending.silent), [true]);
  }
});

test("the close reason of a drain is ending long to wait", () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  websocket(SPEC, on, time.env({ WebSocket: FakeSocket }));
  FakeSocket.last.open();
  FakeSocket.last.onclose({ code: 4000, reason: "3500" });
  assert.deepEqual([heard.ended[0].code, heard.ended[0].retry], [4000, 3500]);
});
