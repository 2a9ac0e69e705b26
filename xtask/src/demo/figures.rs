//! What `--report` writes, and the closing lines.

use std::collections::BTreeMap;

use serde::Serialize;

use super::browser::Sessions;
use crate::edge::latency::Summary;
use crate::sim::tally::{Arm, Counts, Reward};

/// The figures of one run.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Simulated visitors, and those in the real browser.
    pub visitors: u64,
    pub events_sent: u64,
    /// Distinct events that the collector has accepted, by the senders' own record.
    pub events_acknowledged: u64,
    /// Distinct events in the log, read from it at the end.
    pub events_in_log: u64,
    pub events_dropped: u64,
    /// New events that the collector took for others.
    pub events_mistaken: u64,
    /// By the code of the reason.
    pub events_rejected: BTreeMap<u8, u64>,
    /// Events in batches that were sent twice on purpose, and how many of them the collector knew.
    pub events_sent_twice: u64,
    pub duplicates: u64,
    pub models_published: u64,
    pub event_to_edge_ms: Summary,
    pub reward_per_visitor: Reward,
    /// The share of the newest 500 visitors of each segment who were shown the variant that the truth calls best.
    pub best_arm_share_by_segment: BTreeMap<String, BTreeMap<String, f64>>,
    /// What was shown and earned, by experiment and variant, by the visitors' own record.
    pub arms: BTreeMap<String, BTreeMap<String, Arm>>,
    pub browser_sessions: u64,
    pub browser_errors: Vec<String>,
    /// A prepared decision of a contextual experiment with eight attributes in the page's wasm, in Node.
    pub decide_ns: f64,
    /// Null where everything was built already.
    pub first_build_s: Option<f64>,
    pub ready_s: f64,
    pub rate: f64,
    pub seconds: f64,
}

impl Figures {
    /// Adds what the simulated visitors and the browser have seen.
    pub fn count(&mut self, simulated: &Counts, browser: &Sessions, reported: u64) {
        self.visitors = simulated.visitors + browser.ended;
        self.events_sent = simulated.sent + browser.accepted + browser.rejected + reported;
        self.events_acknowledged = simulated.acknowledged + browser.accepted + reported;
        self.events_dropped = simulated.dropped;
        self.events_mistaken = simulated.mistaken;
        self.events_rejected.clone_from(&simulated.rejected);
        self.events_sent_twice = simulated.sent_twice;
        self.duplicates = simulated.duplicates;
        self.browser_sessions = browser.ended;
        self.browser_errors.clone_from(&browser.errors);
    }

    pub fn closing(&self) -> String {
        let Reward {
            tiltwise,
            even_split,
            best_possible,
            ..
        } = self.reward_per_visitor;
        let mut lines = vec![
            format!(
                "{} visitors, {} of them in a real browser",
                self.visitors, self.browser_sessions
            ),
            format!(
                "{} events acknowledged, {} in the log, {} dropped",
                self.events_acknowledged, self.events_in_log, self.events_dropped
            ),
            format!(
                "reward per visitor {tiltwise:.4}; an even split {even_split:.4}, the best possible {best_possible:.4}"
            ),
            format!(
                "event to edge p50 {:.0} ms, p99 {:.0} ms over {} outcomes; {} models",
                self.event_to_edge_ms.p50_ms,
                self.event_to_edge_ms.p99_ms,
                self.event_to_edge_ms.samples,
                self.models_published
            ),
        ];
        for (experiment, segments) in &self.best_arm_share_by_segment {
            let shares: Vec<String> = segments
                .iter()
                .map(|(segment, share)| format!("{segment} {:.0} %", share * 100.0))
                .collect();
            lines.push(format!(
                "{experiment}: the best variant has {}",
                shares.join(", ")
            ));
        }
        lines.join("\n")
    }
}
