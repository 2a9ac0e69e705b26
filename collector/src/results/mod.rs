//! What a person reads of an experiment: counted, compared and said in plain sentences.
//!
//! The core evaluates ([`tiltwise_core::infer`]); here what it says gets its units and its words. Everything comes from the
//! accumulators alone, so that the same log gives the same results whenever and wherever they are read. Units whose window
//! has closed for good are *matured* and answer as soon as there are any; until then the newest counts are shown and said
//! to be early.

mod calibration;
pub mod drift;
mod history;
pub mod policy;
mod said;
mod segments;
mod sentence;
mod view;
mod words;

use std::collections::BTreeMap;

use tiltwise_core::acc::Accumulators;
use tiltwise_core::fit::Source;
use tiltwise_core::infer::guardrail::Look;
use tiltwise_core::infer::{self, Results};
use tiltwise_core::revision::{PolicyKind, Revision, Role};
use tiltwise_core::snapshot::{Experiment, Phase};

pub use calibration::{Calibration, CalibrationDay};
pub use drift::{Drift, DriftPart};
pub use policy::{Mix, PolicyValue, PolicyView};
pub use said::Said;
pub use view::{
    ExperimentView, Gains, Guardrail, Interval, MaybeInterval, Metric, MetricView, SampleRatio, Segment,
    ShareHistory, Units, Variant,
};

use words::Measure;

/// Intervals hold at all times at once with this probability of being wrong.
pub const ALPHA: f64 = 0.05;

/// One experiment as it is published, and all that was ever summed for it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub experiment: &'a Experiment,
    /// The name that people gave it.
    pub name: &'a str,
    /// The values of attributes that people listed, to see them by name.
    pub values: &'a BTreeMap<String, Vec<String>>,
    /// The sums of every revision of this experiment.
    pub sums: &'a [(&'a Revision, &'a Accumulators)],
    pub clock_ms: u64,
    pub lateness_ms: u64,
    /// Since when guardrails and sample ratio are watched: what a person has lifted is not held against an arm again.
    pub since_ms: u64,
}

impl Subject<'_> {
    fn sources(&self) -> Vec<Source<'_>> {
        self.sums
            .iter()
            .map(|&(revision, sums)| Source { revision, sums })
            .collect()
    }
}

/// What other policies would have brought: everybody with each variant, and one that is asked for.
pub fn policies(subject: &Subject<'_>, asked: Option<&Mix>) -> Vec<PolicyView> {
    policy::say(subject, &subject.sources(), asked)
}

/// Reads an experiment's sums.
pub fn view(subject: &Subject<'_>) -> ExperimentView {
    let revision = &subject.experiment.revision;
    let sources = subject.sources();
    let results = infer::evaluate(revision, &sources, subject.clock_ms, subject.lateness_ms, ALPHA);
    let shares = history::shares(subject);
    let metric = view::metric(revision.metric());
    let measure = Measure::of(revision.metric());
    let variants = variants(subject, &results, measure, &shares.newest());
    let segments = segments::segments(subject, measure, shares.newest_from_ms());
    let contrasts = said::contrasts(revision, &results, 0);
    let gains = said::gains(revision, &results);
    let guardrails = said::guardrails(&Look {
        today: revision,
        sources: &sources,
        clock_ms: subject.clock_ms,
        lateness_ms: subject.lateness_ms,
        since_ms: subject.since_ms,
    });
    let sample_ratio = said::sample_ratio(&infer::evaluate::allocation(revision, &sources, subject.since_ms));
    let calibration = infer::calibration(revision, &sources, subject.clock_ms, subject.lateness_ms);
    let alerts = infer::drift(revision, &sources, subject.clock_ms, subject.lateness_ms);
    let drift = drift::say(revision, &alerts, subject.clock_ms);
    let sentence = sentence::say(&sentence::Facts {
        subject,
        results: &results,
        variants: &variants,
        contrasts: &contrasts,
        gains: &gains,
        sample_ratio: &sample_ratio,
        measure,
    });
    let primary = results.metrics.first();
    ExperimentView {
        key: revision.key.clone(),
        name: subject.name.into(),
        policy: policy_name(revision.policy.kind).into(),
        unit: match revision.unit {
            tiltwise_core::id::UnitKind::Visitor => "visitor".into(),
            tiltwise_core::id::UnitKind::Account => "account".into(),
        },
        control: revision.variants[revision.control as usize].key.clone(),
        phase: match subject.experiment.phase {
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Decided { .. } => "decided",
        },
        winner: match subject.experiment.phase {
            Phase::Decided { winner } => revision.variants.get(winner as usize).map(|v| v.key.clone()),
            Phase::Running | Phase::Paused => None,
        },
        metric,
        sentence,
        units: Units {
            matured: primary.map_or(0, |m| m.matured as u64),
            provisional: primary.map_or(0, |m| m.provisional as u64),
        },
        variants,
        contrasts,
        gain: gains.even_split.as_ref().map(Said::interval),
        gains,
        other_metrics: other_metrics(revision, &results),
        guardrails,
        sample_ratio,
        calibration: calibration::say(revision, &calibration),
        drift,
        segments: segments.segments,
        unnamed: segments.unnamed,
        share_history: shares.into_view(revision),
    }
}

fn variants(subject: &Subject<'_>, results: &Results, measure: Measure<'_>, now: &[f64]) -> Vec<Variant> {
    let Some(primary) = results.metrics.first() else {
        return Vec::new();
    };
    subject
        .experiment
        .revision
        .variants
        .iter()
        .enumerate()
        .map(|(arm, variant)| {
            let all = primary.all.get(arm).copied().unwrap_or_default();
            Variant {
                key: variant.key.clone(),
                value: serde_json::from_str(&variant.value).unwrap_or(serde_json::Value::Null),
                units: all.n as u64,
                conversions: if measure.is_rate() {
                    all.sum.round() as u64
                } else {
                    0
                },
                total: all.sum * measure.scale(),
                rate: MaybeInterval::scaled(
                    primary
                        .rates
                        .get(arm)
                        .copied()
                        .flatten()
                        .map(|rate| rate.interval),
                    measure.scale(),
                ),
                share: now.get(arm).copied().unwrap_or(0.0),
                stopped: !subject.experiment.is_active(arm),
            }
        })
        .collect()
}

/// What the secondary metrics and the guardrails say, beside the one that is optimised.
fn other_metrics(revision: &Revision, results: &Results) -> Vec<MetricView> {
    let metrics = revision.metrics.iter().zip(&results.metrics).enumerate().skip(1);
    metrics
        .map(|(m, (metric, result))| MetricView {
            metric: view::metric(metric),
            role: match metric.role {
                Role::Watched => "secondary",
                Role::Guardrail => "guardrail",
            },
            units: Units {
                matured: result.matured as u64,
                provisional: result.provisional as u64,
            },
            contrasts: said::contrasts(revision, results, m),
        })
        .collect()
}

fn policy_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Fixed => "fixed",
        PolicyKind::Thompson => "thompson",
        PolicyKind::Contextual => "contextual",
        PolicyKind::BestArm => "best-arm",
    }
}

/// Where the arms of one revision stand in another, by variant key: edits may add, remove and reorder variants.
fn places(from: &Revision, to: &Revision) -> Vec<Option<usize>> {
    from.variants
        .iter()
        .map(|v| to.variants.iter().position(|w| w.key == v.key))
        .collect()
}
