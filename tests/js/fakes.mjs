// A clock that a test moves, and transports that do what a test says.

export class FakeTime {
  constructor() {
    this.time = 0;
    this.timers = new Map();
    this.ids = 0;
  }

  env(more = {}) {
    return {
      origin: "http://wall.test",
      now: () => this.time,
      wallClock: () => this.time,
      random: () => 0.5,
      hidden: () => false,
      setTimeout: (callback, wait = 0) => {
        this.ids += 1;
        this.timers.set(this.ids, { callback, at: this.time + wait });
        return this.ids;
      },
      clearTimeout: (id) => this.timers.delete(id),
      ...more,
    };
  }

  /** Runs every timer due within the next `milliseconds`, in order, and lets promises settle after each. */
  async pass(milliseconds) {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
      if (!due.length) break;
      const [id, timer] = due[0];
      this.timers.delete(id);
      this.time = Math.max(this.time, timer.at);
      timer.callback();
      await settle();
    }
    this.time = end;
  }
}

export async function settle() {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

/** A transport of each kind that records ending it was opened; `behave(kind, on)` may answer after the opening. */
export function fakeTransports(time, behave = () => {}) {
  const opened = [];
  const make = (kind) => (spec, on) => {
    const link = { kind, spec, on, closed: false, sent: [], followed: [] };
    opened.push(link);
    time.env().setTimeout(() => link.closed || behave(kind, guarded(link), link), 0);
    const handle = { close: () => { link.closed = true; } };
    if (kind === "websocket") {
      handle.send = (message) => { link.sent.push(message); return true; };
      handle.follow = (streams, again) => { link.followed.push({ streams, again }); };
    }
    return handle;
  };
  const transports = Object.fromEntries(["websocket", "sse", "longpoll", "poll"].map((kind) => [kind, make(kind)]));
  return { opened, transports, last: () => opened[opened.length - 1] };
}

export function guarded(link) {
  const unless = (callback) => (...args) => link.closed || callback(...args);
  return {
    opened: unless(() => link.on.opened()),
    heard: unless(() => link.on.heard()),
    say: unless((...list) => { link.on.heard(); link.on.messages(list); }),
    end: unless((ending = {}) => { link.closed = true; link.on.ended({ code: null, status: null, retry: null, silent: false, ...ending }); }),
  };
}

/** A listener for a transport, and what it has heard. */
export function recorder() {
  const heard = { messages: [], ended: [] };
  const on = { opened() {}, heard() {}, messages: (list) => heard.messages.push(...list), ended: (ending) => heard.ended.push(ending) };
  return { heard, on };
}
