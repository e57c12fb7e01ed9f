// Time that moves when told, and transports that say what a test tells them.

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
      setTimeout: (act, wait = 0) => {
        this.ids += 1;
        this.timers.set(this.ids, { act, at: this.time + wait });
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
      timer.act();
      await settle();
    }
    this.time = end;
  }
}

export async function settle() {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

/** A transport of each kind that records how it was opened; `behave(kind, on)` may answer after the opening. */
export function fakeTransports(time, behave = () => {}) {
  const opened = [];
  const make = (kind) => (spec, on) => {
    const life = { kind, spec, on, closed: false, sent: [], followed: [] };
    opened.push(life);
    time.env().setTimeout(() => life.closed || behave(kind, guarded(life), life), 0);
    const handle = { close: () => { life.closed = true; } };
    if (kind === "websocket") {
      handle.send = (message) => { life.sent.push(message); return true; };
      handle.follow = (streams, again) => { life.followed.push({ streams, again }); };
    }
    return handle;
  };
  const transports = Object.fromEntries(["websocket", "sse", "longpoll", "poll"].map((kind) => [kind, make(kind)]));
  return { opened, transports, last: () => opened[opened.length - 1] };
}

export function guarded(life) {
  const unless = (act) => (...args) => life.closed || act(...args);
  return {
    opened: unless(() => life.on.opened()),
    heard: unless(() => life.on.heard()),
    say: unless((...list) => { life.on.heard(); life.on.messages(list); }),
    end: unless((how = {}) => { life.closed = true; life.on.ended({ code: null, status: null, retry: null, silent: false, ...how }); }),
  };
}
