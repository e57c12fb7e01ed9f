import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../../static/js/net/connection.js";
import { FakeTime, fakeTransports, guarded, settle } from "../fakes.mjs";

function connect(behave, streams = ["walls/K"]) {
  const time = new FakeTime();
  const fakes = fakeTransports(time, behave);
  const heard = { messages: [], states: [], dropped: [], switched: 0 };
  const connection = new Connection({
    streams,
    positionOf: () => null,
    env: time.env(),
    transports: fakes.transports,
    on: {
      messages: (list) => heard.messages.push(...list),
      status: ({ state, transport, code }) => heard.states.push(code ? `${state}:${code}` : `${state}:${transport}`),
      dropped: (list) => heard.dropped.push(...list),
      switched: () => { heard.switched += 1; },
    },
  });
  connection.start();
  return { connection, time, heard, ...fakes };
}

const kinds = (opened) => opened.map((link) => link.kind);

test("a WebSocket that is refused is replaced by server-sent events at once", async () => {
  const { opened, time, heard } = connect((kind, on) => (kind === "websocket" ? on.end({ code: 1006 }) : on.say({ stream: "walls/K" })));
  await time.pass(50);
  assert.deepEqual(kinds(opened), ["websocket", "sse"]);
  assert.equal(heard.states.at(-1), "open:sse");
});

test("silent server-sent events are replaced by long polling", async () => {
  const { opened, time } = connect((kind, on) => {
    if (kind === "websocket") on.end({ code: 1006 });
    if (kind === "sse") time.env().setTimeout(() => on.end({ silent: true }), 4_000);
    if (kind === "longpoll") on.say({ stream: "walls/K" });
  });
  await time.pass(4_100);
  assert.deepEqual(kinds(opened), ["websocket", "sse", "longpoll"]);
});

test("answers that are cut off again and again lead to plain polling", async () => {
  const cut = (on) => { on.say({ stream: "walls/K" }); time.env().setTimeout(() => on.end(), 5_000); };
  const { opened, time } = connect((kind, on) => {
    if (kind === "websocket") on.end({ code: 1006 });
    else if (kind === "poll") on.say({ stream: "walls/K" });
    else cut(on);
  });
  await time.pass(25_000);
  assert.deepEqual(kinds(opened), ["websocket", "sse", "sse", "longpoll", "longpoll", "poll"]);
});

test("it climbs beside the connection in use, which stays until the better one is open", async () => {
  let refuse = true;
  const { opened, time, heard } = connect((kind, on) => {
    if (kind === "websocket" && refuse) on.end({ code: 1006 });
    else if (kind === "websocket") on.opened();
    else on.say({ stream: "walls/K" });
  });
  await time.pass(100);
  refuse = false;
  const sse = opened[1];
  await time.pass(45_000);
  assert.deepEqual(kinds(opened), ["websocket", "sse", "websocket"]);
  assert.ok(sse.closed);
  assert.equal(heard.switched, 1);
  assert.ok(!heard.states.includes("lost:sse"));
});

test("a failed climb disturbs nothing and is repeated less and less often", async () => {
  const { opened, time, heard } = connect((kind, on) => (kind === "websocket" ? on.end({ code: 1006 }) : on.say({ stream: "walls/K" })));
  await time.pass(300_000);
  const climbs = kinds(opened).filter((kind) => kind === "websocket").length - 1;
  assert.ok(climbs >= 2 && climbs <= 4, String(climbs));
  assert.equal(heard.states.filter((state) => state.startsWith("lost")).length, 1);
});

test("a close code from 4500 on is final and says why", async () => {
  const { opened, time, heard } = connect((kind, on) => on.end({ code: 4504 }));
  await time.pass(60_000);
  assert.deepEqual(kinds(opened), ["websocket"]);
  assert.equal(heard.states.at(-1), "refused:no_such_stream");
});

test("a drain leads to the same transport, after the wait that the server named", async () => {
  let first = true;
  const { opened, time } = connect((kind, on) => {
    if (first) { first = false; on.say({ stream: "walls/K" }); on.end({ code: 4000, retry: 3_000 }); }
  });
  await time.pass(2_900);
  assert.equal(opened.length, 1);
  await time.pass(200);
  assert.deepEqual(kinds(opened), ["websocket", "websocket"]);
});

test("a 404 over HTTP is final for a single stream", async () => {
  const { time, heard } = connect((kind, on) => (kind === "websocket" ? on.end({ code: 1006 }) : on.end({ status: 404 })));
  await time.pass(60_000);
  assert.equal(heard.states.at(-1), "refused:no_such_stream");
});

test("a refusal of several streams keeps the first", async () => {
  const { opened, time, heard } = connect((kind, on, link) => {
    if (kind === "websocket") on.end({ code: 1006 });
    else if (link.spec.streams.length > 1) on.end({ status: 403 });
    else on.say({ stream: "walls/K" });
  }, ["walls/K", "polls/A"]);
  await time.pass(100);
  assert.deepEqual(heard.dropped, ["polls/A"]);
  assert.deepEqual(opened.at(-1).spec.streams, ["walls/K"]);
});

test("other streams are followed on the open WebSocket, and by a new request elsewhere", async () => {
  const socket = connect((kind, on) => on.say({ stream: "walls/K" }));
  await socket.time.pass(10);
  socket.connection.follow(["walls/K", "polls/A"]);
  assert.deepEqual(socket.opened[0].followed, [{ streams: ["walls/K", "polls/A"], again: [] }]);

  const events = connect((kind, on) => (kind === "websocket" ? on.end({ code: 1006 }) : on.say({ stream: "walls/K" })));
  await events.time.pass(10);
  events.connection.follow(["walls/K", "polls/A"]);
  await events.time.pass(10);
  assert.ok(events.opened[1].closed);
  assert.deepEqual(events.opened[2].spec.streams, ["walls/K", "polls/A"]);
});

test("a request is answered by its reference", async () => {
  const { connection, time, last } = connect((kind, on) => on.say({ stream: "walls/K" }));
  await time.pass(10);
  const answer = connection.request({ do: "vote", choices: ["2"] });
  guarded(last()).say({ ref: last().sent[0].ref, ok: { receipt: "R" } });
  assert.deepEqual((await answer).ok, { receipt: "R" });
});

test("a request whose connection is lost resolves with null, so that it is sent again", async () => {
  const { connection, time, last } = connect((kind, on) => on.say({ stream: "walls/K" }));
  await time.pass(10);
  const answer = connection.request({ do: "vote", choices: ["2"] });
  guarded(last()).end({ code: 1006 });
  assert.equal(await answer, null);
});

test("without a WebSocket a request resolves with null", async () => {
  const { connection, time } = connect((kind, on) => (kind === "websocket" ? on.end({ code: 1006 }) : on.say({})));
  await time.pass(10);
  assert.equal(await connection.request({ do: "vote" }), null);
});

test("nothing is opened after a stop", async () => {
  const { connection, opened, time } = connect((kind, on) => on.end({ code: 1006 }));
  connection.stop();
  await time.pass(60_000);
  await settle();
  assert.equal(opened.length, 1);
});

test("the connection is opened at once when the network returns", async () => {
  let away = true;
  const { connection, opened, time } = connect((kind, on) => (away ? on.end() : on.say({ stream: "walls/K" })));
  await time.pass(30_000);
  away = false;
  const before = opened.length;
  connection.retryNow();
  await time.pass(1);
  assert.equal(opened.length, before + 1);
});

test("after a change of network the best transport is tried at once, beside the one in use", async () => {
  let refuse = true;
  const { connection, opened, time } = connect((kind, on) => {
    if (kind === "websocket") return refuse ? on.end({ code: 1006 }) : on.opened();
    return on.say({ stream: "walls/K" });
  });
  await time.pass(100);
  refuse = false;
  connection.networkChanged();
  await time.pass(10);
  assert.deepEqual(kinds(opened), ["websocket", "sse", "websocket"]);
  assert.equal(connection.transport, "websocket");
});
