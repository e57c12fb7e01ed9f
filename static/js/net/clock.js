// The server's time. A message says `now` as it is sent and arrives a little later, so every sample is too early by
// its delay: the largest of the last few is the best.

const KEPT = 8;
const SET = 5_000; // no message is that late: a sample so far behind says that the local clock was put forward

export class Clock {
  constructor(local = () => Date.now()) {
    this.local = local;
    this.samples = [];
  }

  hear(now) {
    const server = Date.parse(now);
    if (Number.isNaN(server)) return;
    const sample = server - this.local();
    if (this.samples.length && sample < Math.max(...this.samples) - SET) this.samples = [];
    this.samples.push(sample);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  now() {
    return this.local() + (this.samples.length ? Math.max(...this.samples) : 0);
  }
}

/** 65000 -> "1:05", 3665000 -> "1:01:05"; never negative. */
export function clockFace(milliseconds) {
  const total = Math.max(0, Math.ceil(milliseconds / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}
