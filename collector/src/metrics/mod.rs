//! What can be observed of a collector: each fact is a field here, with one name, for `/metrics` and for the dashboard.
//!
//! Counters and histograms are Prometheus'; the dashboard's percentiles come from [`Recent`], the last samples
//! themselves, because a bucketed histogram answers "p99 of the last minute" only within a bucket's width.

mod recent;
mod summary;

pub use recent::{Rate, Recent};
pub use summary::Quantiles;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError, atomic::AtomicU64},
};

use tiltwise_core::event::Quarantine;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

pub struct Metrics {
    registry: Registry,
    pub accepted: Counter,
    pub duplicate: Counter,
    rejected: Family<Reason, Counter>,
    /// A family cannot be listed, so the reasons that occurred are kept beside it.
    reasons: Mutex<BTreeSet<&'static str>>,
    pub quarantined: Family<Reason, Counter>,
    pub requests_refused: Family<Reason, Counter>,
    /// What buffers of senders reported as dropped.
    pub sender_dropped: Counter,
    pub accepted_rate: Rate,
    pub commit_seconds: Timer,
    pub fit_seconds: Timer,
    /// What the join made of events.
    pub joined: Family<Reason, Counter>,
    pub checkpoint_seconds: Timer,
    /// From the receipt of an event to the publication of the first snapshot that holds it.
    pub event_to_snapshot_seconds: Timer,
    pub stream_clients: Gauge,
    /// How far the trainer is behind the end of the log.
    pub lag_ms: Gauge,
    pub log_bytes: Gauge,
    /// What Kafka has not acknowledged yet and this machine's disk holds.
    pub spool_bytes: Gauge,
    pub spool_records: Gauge,
    pub kafka_delivered: Counter,
    /// Events that are in the plain topics.
    pub kafka_plain: Counter,
    /// Records that no broker will ever take.
    pub kafka_rejected: Counter,
    /// Producers that could not go on.
    pub kafka_rebuilt: Counter,
    /// 1 while this collector leads those of its site.
    pub leads: Gauge,
    pub leader_epoch: Gauge,
    /// Since a leader was heard.
    pub leader_silence_seconds: Gauge<f64, AtomicU64>,
    /// Times that Kafka refused this collector as a leader, because another had begun.
    pub fenced: Counter,
    pub snapshots_published: Counter,
    pub snapshot_age_seconds: Gauge<f64, AtomicU64>,
    /// What came over what was predicted, in the newest twenty-four hours that are matured.
    pub calibration: Family<Shown, Gauge<f64, AtomicU64>>,
    /// 1 while an alert stands that what visitors do has changed.
    pub drift: Family<Shown, Gauge>,
    pub drift_alerts: Counter,
}

/// What a figure of an experiment is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
pub struct Shown {
    pub experiment: String,
    /// A variant's key; empty for all of them.
    pub variant: String,
}

/// Why something did not go on; always one of a fixed list of words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    pub reason: &'static str,
}

/// A histogram for Prometheus together with the last samples for the dashboard.
pub struct Timer {
    histogram: Histogram,
    pub recent: Recent,
}

impl Timer {
    /// From a millisecond to 32 seconds, doubling: within a bucket a factor of two, which tells "fine" from "slow".
    fn new() -> Self {
        Self {
            histogram: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            recent: Recent::new(),
        }
    }

    pub fn observe(&self, seconds: f64) {
        self.histogram.observe(seconds);
        self.recent.push(seconds * 1_000.0);
    }
}

impl Metrics {
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tiltwise"),
            accepted: Counter::default(),
            duplicate: Counter::default(),
            rejected: Family::default(),
            reasons: Mutex::default(),
            quarantined: Family::default(),
            requests_refused: Family::default(),
            sender_dropped: Counter::default(),
            accepted_rate: Rate::new(),
            commit_seconds: Timer::new(),
            fit_seconds: Timer::new(),
            joined: Family::default(),
            checkpoint_seconds: Timer::new(),
            event_to_snapshot_seconds: Timer::new(),
            stream_clients: Gauge::default(),
            lag_ms: Gauge::default(),
            log_bytes: Gauge::default(),
            spool_bytes: Gauge::default(),
            spool_records: Gauge::default(),
            kafka_delivered: Counter::default(),
            kafka_plain: Counter::default(),
            kafka_rejected: Counter::default(),
            kafka_rebuilt: Counter::default(),
            leads: Gauge::default(),
            leader_epoch: Gauge::default(),
            leader_silence_seconds: Gauge::default(),
            fenced: Counter::default(),
            snapshots_published: Counter::default(),
            snapshot_age_seconds: Gauge::default(),
            calibration: Family::default(),
            drift: Family::default(),
            drift_alerts: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "events_accepted",
            "Events that are durable in the log",
            self.accepted.clone(),
        );
        r.register(
            "events_duplicate",
            "Events that had been accepted before",
            self.duplicate.clone(),
        );
        r.register(
            "events_rejected",
            "Events that were refused, by reason",
            self.rejected.clone(),
        );
        r.register(
            "events_quarantined",
            "Exposures that are logged and never folded",
            self.quarantined.clone(),
        );
        r.register(
            "events_joined",
            "What the join made of events: folded, or why not",
            self.joined.clone(),
        );
        r.register(
            "requests_refused",
            "Requests that were refused whole, by reason",
            self.requests_refused.clone(),
        );
        r.register(
            "events_dropped_by_senders",
            "Events that senders' buffers dropped",
            self.sender_dropped.clone(),
        );
        r.register(
            "snapshots_published",
            "Snapshots that were published",
            self.snapshots_published.clone(),
        );
        r.register(
            "stream_clients",
            "Open event streams",
            self.stream_clients.clone(),
        );
        r.register(
            "trainer_lag_milliseconds",
            "How far the trainer is behind the log",
            self.lag_ms.clone(),
        );
        r.register("log_bytes", "Bytes of the kept records", self.log_bytes.clone());
        r.register(
            "spool_bytes",
            "Bytes that wait here for Kafka",
            self.spool_bytes.clone(),
        );
        r.register(
            "spool_records",
            "Records that wait here for Kafka",
            self.spool_records.clone(),
        );
        for (name, help, counter) in [
            (
                "kafka_delivered",
                "Records that Kafka has acknowledged",
                &self.kafka_delivered,
            ),
            (
                "kafka_plain_events",
                "Events that were written to the plain topics",
                &self.kafka_plain,
            ),
            (
                "kafka_rejected",
                "Records that Kafka will never take",
                &self.kafka_rejected,
            ),
            (
                "kafka_producers_rebuilt",
                "Producers that could not go on",
                &self.kafka_rebuilt,
            ),
        ] {
            r.register(name, help, counter.clone());
        }
        r.register(
            "experiment_calibration",
            "Rewards over predictions in the newest day that is matured; 1 where models are right on average",
            self.calibration.clone(),
        );
        for (name, help, gauge) in [
            (
                "leads",
                "1 while this collector leads those of its site",
                &self.leads,
            ),
            (
                "leader_epoch",
                "The epoch of the leader that was heard last",
                &self.leader_epoch,
            ),
        ] {
            r.register(name, help, gauge.clone());
        }
        r.register(
            "leader_fenced",
            "Times that Kafka refused this collector as a leader, because another had begun",
            self.fenced.clone(),
        );
        r.register_with_unit(
            "leader_silence",
            "Since a leader was heard",
            Unit::Seconds,
            self.leader_silence_seconds.clone(),
        );
        r.register(
            "experiment_drift",
            "1 while an alert stands that what visitors do has changed",
            self.drift.clone(),
        );
        r.register(
            "drift_alerts",
            "Alerts that what visitors do has changed",
            self.drift_alerts.clone(),
        );
        let age = self.snapshot_age_seconds.clone();
        r.register_with_unit(
            "snapshot_age",
            "Since the newest snapshot was published",
            Unit::Seconds,
            age,
        );
        for (name, help, timer) in [
            (
                "commit",
                "From the start of a group commit until it is synced",
                &self.commit_seconds,
            ),
            ("fit", "One fit of all models", &self.fit_seconds),
            (
                "checkpoint",
                "Writing the trainer's state and reading it back",
                &self.checkpoint_seconds,
            ),
            (
                "event_to_snapshot",
                "From an event's receipt to the first snapshot that holds it",
                &self.event_to_snapshot_seconds,
            ),
        ] {
            r.register_with_unit(name, help, Unit::Seconds, timer.histogram.clone());
        }
    }

    /// The text that Prometheus reads.
    pub fn exposition(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    pub fn reject(&self, reason: &'static str) {
        self.rejected.get_or_create(&Reason { reason }).inc();
        self.reasons
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reason);
    }

    /// The refused events by reason, those that there are.
    pub fn rejects(&self) -> Vec<(&'static str, u64)> {
        let count = |reason| (reason, self.rejected.get_or_create(&Reason { reason }).get());
        let seen: Vec<_> = self
            .reasons
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect();
        seen.into_iter().map(count).collect()
    }

    pub fn quarantine(&self, quarantine: Quarantine) {
        let reason = match quarantine {
            Quarantine::None => return,
            Quarantine::Disagrees => "disagrees",
            Quarantine::Unpersonalized => "unpersonalized",
        };
        self.quarantined.get_or_create(&Reason { reason }).inc();
    }

    pub fn refuse_request(&self, reason: &'static str) {
        self.requests_refused.get_or_create(&Reason { reason }).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
