// A pure reducer: (what is held, event) -> what is held. A snapshot is gathered aside and swapped in when it is
// whole, so a page never shows half of one.

const NOTHING = Object.freeze({ values: Object.freeze({}), messages: Object.freeze([]) });

export const EMPTY = Object.freeze({ ...NOTHING, ready: false, staged: null, error: null });

function put(held, event) {
  if (event.key === undefined) return { ...held, messages: [...held.messages, event.data] };
  const values = { ...held.values };
  if (event.data === null) delete values[event.key];
  else values[event.key] = event.data;
  return { ...held, values };
}

/** The next state of one stream. The cursor has already said that the event applies. */
export function reduce(held, event) {
  if (event.error) return { ...held, error: event.error, staged: null, ready: false };
  if (event.reset) return { ...held, staged: NOTHING, error: null };
  if (event.synced) {
    const whole = held.staged || held;
    return { values: whole.values, messages: whole.messages, ready: true, staged: null, error: null };
  }
  if (held.staged) return { ...held, staged: put(held.staged, event) };
  return put(held, event);
}
