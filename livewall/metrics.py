"""Metrics in the format of Prometheus. They have a registry of their own, so that tests can have several servers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 512)
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        ProcessCollector(registry=own)  # CPU, memory and files of this process
        self.readers = Gauge("livewall_readers", "Readers connected, by transport.", ["transport"], registry=own)
        self.behind = Gauge("livewall_readers_behind", "Readers whose socket is full.", registry=own)
        self.streams = Gauge("livewall_streams_open", "Streams held in memory.", registry=own)
        self.ring_events = Gauge("livewall_ring_events", "Events held in memory for catching up.", registry=own)
        self.ring_bytes = Gauge("livewall_ring_bytes", "Bytes of those events.", registry=own)
        self.ballots = Counter("livewall_ballots", "Acknowledged ballots, by their effect.", ["result"], registry=own)
        self.ballot = {result: self.ballots.labels(result) for result in ("created", "changed", "same")}
        self.commit_seconds = Histogram(
            "livewall_commit_seconds", "Duration of commits.", buckets=_SECONDS, registry=own
        )
        self.commit_group = Histogram(
            "livewall_commit_group_size", "Writes that shared a commit.", buckets=_GROUPS, registry=own
        )
        self.publish_seconds = Histogram(
            "livewall_change_to_last_send_seconds",
            "Time from the commit of a change until it was sent to the last reader.",
            buckets=_SECONDS,
            registry=own,
        )
        self.loop_lag = Gauge("livewall_loop_lag_seconds", "How late the event loop's last timer was.", registry=own)
        self.writes_waiting = Gauge("livewall_writes_waiting", "Writes that no commit has taken yet.", registry=own)
        self.deliveries = Gauge("livewall_deliveries", "Messages handed to readers since the start.", registry=own)
        self.started = Gauge("livewall_start_time_seconds", "When this process began to serve.", registry=own)

    def committed(self, size: int, seconds: float) -> None:
        self.commit_seconds.observe(seconds)
        self.commit_group.observe(size)

    def text(self) -> bytes:
        return generate_latest(self.registry)
