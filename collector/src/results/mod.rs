//! What a person reads of an experiment: counted, compared and said in one sentence.
//!
//! Everything comes from the accumulators alone, so that the same log gives the same results whenever and wherever they are
//! read. Units whose window has closed for good are *matured* and answer as soon as there are any; until then the newest
//! counts are shown and said to be early.

mod contrasts;
mod history;
mod sentence;
mod sums;
mod view;

use tiltwise_core::acc::Accumulators;
use tiltwise_core::revision::{PolicyKind, Revision};
use tiltwise_core::snapshot::{Experiment, Phase};

pub use view::{Contrast, ExperimentView, Interval, MaybeInterval, Metric, ShareHistory, Units, Variant};

use sums::Sums;

/// Intervals hold at all times at once with this probability of being wrong.
pub const ALPHA: f64 = 0.05;

/// One experiment as it is published, and all that was ever summed for it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub experiment: &'a Experiment,
    /// The name that people gave it.
    pub name: &'a str,
    /// The sums of every revision of this experiment.
    pub sums: &'a [(&'a Revision, &'a Accumulators)],
    pub clock_ms: u64,
    pub lateness_ms: u64,
}

/// Reads an experiment's sums by the metric it optimises.
pub fn view(subject: &Subject<'_>) -> ExperimentView {
    let revision = &subject.experiment.revision;
    let sums = Sums::read(subject);
    let shares = history::shares(subject);
    let metric = view::metric(revision.metric());
    let scale = metric.cap.unwrap_or(1.0);
    let shown = sums.shown();
    let now = shares.newest();
    let variants: Vec<Variant> = revision
        .variants
        .iter()
        .enumerate()
        .map(|(arm, variant)| {
            let all = &sums.all[arm];
            Variant {
                key: variant.key.clone(),
                value: serde_json::from_str(&variant.value).unwrap_or(serde_json::Value::Null),
                units: all.n as u64,
                conversions: if metric.cap.is_none() {
                    all.sum.round() as u64
                } else {
                    0
                },
                total: all.sum * scale,
                rate: MaybeInterval::scaled(tiltwise_core::infer::rate(&shown[arm], ALPHA), scale),
                share: now.get(arm).copied().unwrap_or(0.0),
                stopped: !subject.experiment.is_active(arm),
            }
        })
        .collect();
    let contrasts = contrasts::against_control(subject, &sums, scale);
    let sentence = sentence::say(subject, &sums, &variants, &contrasts, &metric);
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
            matured: sums.matured_units() as u64,
            provisional: sums.provisional_units() as u64,
        },
        variants,
        contrasts,
        gain: contrasts::gain(&sums, scale),
        segments: Vec::new(),
        share_history: shares.into_view(revision),
    }
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
