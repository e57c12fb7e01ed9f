// What the server sends, as docs/contract.md describes it: events, replies and the objects in them. Types only: no
// browser ever asks for this file.

/** A place in one view of one stream, such as "k3f9.61". */
export type Position = string;
/** The name of a stream, such as "polls/7Q4F". */
export type Stream = string;

export interface ApiError {
  code: string;
  message?: string;
  fields?: Record<string, string>;
}

/** One event of a stream. What is absent tells which kind it is. */
export interface StreamEvent {
  stream: Stream;
  pos?: Position;
  prev?: Position;
  key?: string;
  data?: any;
  earlier?: boolean;
  reset?: boolean;
  synced?: boolean;
  now?: string;
  error?: ApiError;
}

/** The answer to a request that was sent over the WebSocket under this `ref`. */
export interface Reply {
  ref?: string;
  ok?: any;
  error?: ApiError;
}

export interface Heartbeat {
  heartbeat?: Record<Stream, Position>;
  now?: string;
}

/** Anything that may arrive over a transport. */
export type Message = Partial<StreamEvent> & Reply & Heartbeat;

export interface Option {
  id: string;
  label: string;
  abstain?: boolean;
}

export type Phase = "draft" | "open" | "closed";

export interface Poll {
  id: string;
  wall: string | null;
  title: string;
  kind: string;
  options: Option[];
  phase: Phase;
  round: number;
  results: string;
  published: boolean;
  assurance: string;
  allow_change: boolean;
  max_choices: number;
  closes_at: string | null;
  quorum?: number;
  majority?: string;
  compare?: boolean;
  closed_at?: string;
  reveal_at?: string;
  erased_at?: string;
}

export interface Turnout {
  round: number;
  ballots: number;
}

export interface Tally extends Turnout {
  counts: Record<string, number>;
}

/** One's own ballot as the server keeps it. */
export interface StoredBallot {
  choices: string[];
  receipt: string | null;
  round: number | null;
}

export interface Wall {
  code: string;
  title: string;
  items: Stream[];
  active: Stream | null;
  questions?: "open" | "moderated" | "closed";
  reactions?: boolean;
}

/** Times of a task or a step, in ISO 8601. */
export interface Timed {
  state: string;
  started_at?: string | null;
  ended_at?: string | null;
  eta?: string | null;
}

export interface Task extends Timed {
  id: string;
  title: string;
  pipeline: string | null;
  reason?: string | null;
  created_at: string;
  started_by?: string | null;
  on_failure?: FollowUp;
}

/** What a failed task asks, and what came of it; `until` is when the poll closes. */
export interface FollowUp {
  state: "open" | "starting" | "started" | "over";
  reason: string;
  poll?: string;
  until?: string;
  started?: string;
}

export interface Step extends Timed {
  name: string;
  needs?: string[];
  reason?: string | null;
  message?: string | null;
  attempt?: number;
  progress?: number | null;
  waits_for?: WaitsFor;
  /** The hosts of a step that runs on several, wave by wave. */
  targets?: Target[];
  paused?: boolean;
}

/** A host of a step; `fingerprint` is that of the key which somebody has to confirm. */
export interface Target {
  host: string;
  state: string;
  reason: string;
  wave: number;
  attempt: number;
  progress: number | null;
  started_at: string | null;
  ended_at: string | null;
  message?: string;
  fingerprint?: string;
}

/** What a step waits for: people, the end of a poll, or a host key to be confirmed; `until` is when it stops waiting. */
export interface WaitsFor {
  kind: "approval" | "poll" | "host_key";
  approvers: string[];
  poll?: string;
  until?: string;
  host?: string;
  fingerprint?: string;
}

/** How far a log reaches. */
export interface LogEnd {
  lines: number;
  bytes: number;
}

export type Point = [x: number, y: number];

/** Where the server puts the boxes and lines of a task's chart (livewall/charts/task_layout.py). */
export interface Layout {
  width: number;
  height: number;
  nodes: { name: string; x: number; y: number; height?: number }[];
  edges: { from: string; to: string; points: Point[] }[];
}
