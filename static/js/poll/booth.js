// The ballot of the poll that a phone shows. Another poll gets another ballot, another round of it a new one.

import { Ballot, ballotRequests } from "./ballot.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Poll, StoredBallot, Stream } from "../net/wire.d.ts" */

/**
 * The poll that the server put into the page, with the voter's ballot.
 * @typedef {{id: string, ballot: StoredBallot | null, needs_code?: boolean}} PagePoll
 */

export class Booth {
  /**
   * @param {{page: {poll?: PagePoll | null}, env: Environment, live: LiveStreams, onChange: () => void}} options
   */
  constructor({ page, env, live, onChange }) {
    this.page = page;
    this.env = env;
    this.live = live;
    this.changed = onChange;
    /** @type {{stream: Stream, ballot: Ballot, takesCodes: boolean} | null} */
    this.current = null;
  }

  /** The ballot of the poll that was shown last, or null. */
  get ballot() {
    return this.current ? this.current.ballot : null;
  }

  /**
   * Returns the ballot for a poll in its current round.
   * @param {Stream} stream
   * @param {Poll} poll
   */
  ballotFor(stream, poll) {
    if (!this.current || this.current.stream !== stream) this.current = this.open(stream, poll);
    else this.current.ballot.enterRound(poll.round);
    return this.current.ballot;
  }

  /**
   * @param {Stream} stream
   * @param {Poll} poll
   */
  open(stream, poll) {
    const { env, live, current } = this;
    const id = stream.slice("polls/".length);
    const onCodeKnown = (/** @type {boolean} */ needsCode) => { ballot.needsCode = needsCode; };
    const ballot = new Ballot({ ...ballotRequests({ poll: id, live, env, onCodeKnown }), env, onChange: this.changed });
    const fromPage = this.page.poll && this.page.poll.id === id ? this.page.poll : null;
    const takesCodes = poll.assurance === "code";
    // A browser that is known by a code in one poll of a wall is known in all of them. The server confirms it.
    const isKnown = fromPage ? !fromPage.needs_code : Boolean(current && current.takesCodes && !current.ballot.needsCode);
    ballot.start(fromPage ? fromPage.ballot : null, poll.round, takesCodes && !isKnown);
    // The ballot in a page that was made for this visit is the stored one.
    if (!fromPage || current || !env.isFreshPage()) ballot.reload();
    return { stream, ballot, takesCodes };
  }
}
