// A pure reducer from events to the state of one stream. A snapshot is gathered aside and takes the place of the old
// state when it is complete, so a page never shows half of one.

/** @import { ApiError, StreamEvent } from "./wire.d.ts" */

/**
 * @typedef {object} Content
 * @property {Readonly<Record<string, any>>} values the newest data of each key
 * @property {boolean} earlier whether there are numbered keys below those of the snapshot
 */

/**
 * @typedef {Content & {ready: boolean, staged: Content | null, error: ApiError | null}} StreamState
 */

/** @type {Content} */
const NOTHING = Object.freeze({ values: Object.freeze({}), earlier: false });

/** @type {StreamState} */
export const EMPTY = Object.freeze({ ...NOTHING, ready: false, staged: null, error: null });

/**
 * @template {Content} T
 * @param {T} content
 * @param {Partial<StreamEvent>} event
 * @returns {T}
 */
function withEvent(content, event) {
  const values = { ...content.values };
  const key = event.key || "";
  if (event.data !== null) {
    values[key] = event.data;
  } else {
    delete values[key];
    // The deletion of "message/ID" deletes all messages of a conversation.
    if (key.startsWith("message/")) {
      for (const each of Object.keys(values)) {
        if (each.startsWith(`${key}/`)) delete values[each];
      }
    }
  }
  return { ...content, values };
}

/**
 * Returns the state after an event that the cursor has accepted.
 * @param {StreamState} state
 * @param {Partial<StreamEvent>} event
 * @returns {StreamState}
 */
export function reduce(state, event) {
  if (event.error) return { ...state, error: event.error, staged: null, ready: false };
  if (event.reset) return { ...state, staged: { ...NOTHING, earlier: event.earlier === true }, error: null };
  if (event.synced) {
    const { values, earlier } = state.staged || state;
    return { values, earlier, ready: true, staged: null, error: null };
  }
  if (state.staged) return { ...state, staged: withEvent(state.staged, event) };
  return withEvent(state, event);
}
