//! The shape in which results leave the collector: JSON for the dashboard, the results door and `tiltwise results`.

use serde::Serialize;
use std::collections::BTreeMap;

use tiltwise_core::infer;
use tiltwise_core::revision;

use super::calibration::Calibration;
use super::drift::Drift;
use super::said::Said;

/// One experiment. Shares and rates are fractions of one; money is in its currency.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentView {
    pub key: String,
    pub name: String,
    pub policy: String,
    pub unit: String,
    pub control: String,
    pub phase: &'static str,
    pub winner: Option<String>,
    pub metric: Metric,
    pub sentence: String,
    pub units: Units,
    pub variants: Vec<Variant>,
    pub contrasts: Vec<Said>,
    /// Policy against comparison group: what tilting brings over an even split.
    pub gain: Option<Interval>,
    pub gains: Gains,
    pub other_metrics: Vec<MetricView>,
    pub guardrails: Vec<Guardrail>,
    pub sample_ratio: SampleRatio,
    pub calibration: Calibration,
    /// That what visitors do has changed within the last day.
    pub drift: Option<Drift>,
    pub segments: Vec<Segment>,
    /// Attributes whose values are not listed in the experiment file, so that they have no segments to show.
    pub unnamed: Vec<String>,
    pub share_history: ShareHistory,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    pub event: String,
    /// `rate` or `value`.
    pub kind: &'static str,
    pub window_ms: u64,
    pub currency: Option<String>,
    pub cap: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Units {
    /// Their window and the lateness have passed: nothing can change them any more.
    pub matured: u64,
    pub provisional: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Variant {
    pub key: String,
    pub value: serde_json::Value,
    /// Matured and provisional.
    pub units: u64,
    /// Units with the outcome; 0 where values are summed.
    pub conversions: u64,
    pub total: f64,
    pub rate: MaybeInterval,
    /// Of the traffic of the newest buckets.
    pub share: f64,
    pub stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MaybeInterval {
    pub estimate: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// The whole split: over showing everyone the control, which is the headline, and over an even split.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gains {
    pub control: Option<Said>,
    pub even_split: Option<Said>,
}

/// What a secondary metric or a guardrail says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricView {
    #[serde(flatten)]
    pub metric: Metric,
    /// `secondary` or `guardrail`.
    pub role: &'static str,
    pub units: Units,
    pub contrasts: Vec<Said>,
}

/// How a guardrail stands for a variant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Guardrail {
    pub event: String,
    pub variant: String,
    /// `holds`, `near` (half of what a breach takes) or `breached`.
    pub state: &'static str,
    pub on_breach: &'static str,
    pub level: f64,
    /// The share of what a breach takes, in logarithms.
    pub evidence: f64,
    pub sentence: String,
}

/// Whether variants were shown as often as they were drawn.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleRatio {
    pub breached: bool,
    pub units: u64,
    pub log_evidence: f64,
    pub sentence: String,
}

/// A kind of visitor, as counted: not corrected for the tilt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// What the visitor is told apart by.
    pub attribute: String,
    pub label: String,
    /// What the model still learns from.
    pub units: u64,
    /// Of the newest of them; empty where there are none.
    pub shares: BTreeMap<String, f64>,
    /// Of those whose window has closed; variants that none of them was shown are missing.
    pub rates: BTreeMap<String, f64>,
}

/// Parallel lists: a share of the traffic at each time, for each variant.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ShareHistory {
    pub t: Vec<u64>,
    pub shares: BTreeMap<String, Vec<f64>>,
}

impl Interval {
    pub(super) fn scaled(interval: infer::Interval, scale: f64) -> Self {
        Self {
            estimate: interval.estimate * scale,
            low: interval.low * scale,
            high: interval.high * scale,
        }
    }
}

impl MaybeInterval {
    pub(super) fn scaled(interval: Option<infer::Interval>, scale: f64) -> Self {
        let part = |f: fn(infer::Interval) -> f64| interval.map(|i| f(i) * scale);
        Self {
            estimate: part(|i| i.estimate),
            low: part(|i| i.low),
            high: part(|i| i.high),
        }
    }
}

pub(super) fn metric(metric: &revision::Metric) -> Metric {
    let is_value = metric.cap_micros > 0;
    Metric {
        event: metric.event.clone(),
        kind: if is_value { "value" } else { "rate" },
        window_ms: metric.window_ms,
        currency: (!metric.currency.is_empty()).then(|| metric.currency.clone()),
        cap: is_value.then(|| metric.cap_micros as f64 / 1e6),
    }
}
