//! Answers in words: each with its estimate, interval, level, method, units, and one plain sentence.

use serde::Serialize;
use tiltwise_core::infer::guardrail::{self, Look};
use tiltwise_core::infer::split::ArmSums;
use tiltwise_core::infer::{Allocation, Answer, MetricResult, Results, Verdict};
use tiltwise_core::revision::{OnBreach, PolicyKind, Revision};

use super::view::{Gains, Guardrail, Interval, MaybeInterval, SampleRatio, Units};
use super::words::{Measure, relative, title};

/// A comparison: a variant with the control, or the whole split with what would have been.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// The variant's key; "everyone" where the whole split is compared.
    pub variant: String,
    #[serde(flatten)]
    pub difference: MaybeInterval,
    /// The same in shares of what the control was observed to bring; absent where that is nothing.
    pub relative: MaybeInterval,
    /// 1 − α: the probability of being right at all times at once.
    pub level: f64,
    pub method: &'static str,
    /// "more", "less" or "open".
    pub verdict: &'static str,
    /// The verdict may be acted on: matured, and certain at this level.
    pub safe: bool,
    /// It is certain still when all comparisons of the experiment are taken together.
    pub holds_among_all: bool,
    /// ln of the e-value against "no difference".
    pub log_evidence: f64,
    pub units: Units,
    pub sentence: String,
}

impl Said {
    pub(super) fn interval(&self) -> Interval {
        let part = |value: Option<f64>| value.unwrap_or(0.0);
        Interval {
            estimate: part(self.difference.estimate),
            low: part(self.difference.low),
            high: part(self.difference.high),
        }
    }
}

/// Every variant against the control by one metric.
pub(super) fn contrasts(revision: &Revision, results: &Results, metric: usize) -> Vec<Said> {
    let (Some(definition), Some(result)) = (revision.metrics.get(metric), results.metrics.get(metric)) else {
        return Vec::new();
    };
    let control = revision.control as usize;
    let base = result.shown.get(control).map_or(0.0, ArmSums::mean);
    let others = revision
        .variants
        .iter()
        .enumerate()
        .filter(|&(arm, _)| arm != control);
    others
        .map(|(arm, variant)| {
            say(&Comparison {
                name: title(&variant.key),
                against: title(&revision.variants[control].key),
                key: &variant.key,
                answer: result.contrasts.get(arm).copied().flatten(),
                holds_among_all: result.holds_among_all.get(arm).copied().unwrap_or(false),
                base,
                result,
                measure: Measure::of(definition),
            })
        })
        .collect()
}

/// What the whole split earned: over showing everyone the control, and over the comparison group's even split.
pub(super) fn gains(revision: &Revision, results: &Results) -> Gains {
    let Some(result) = results
        .metrics
        .first()
        .filter(|_| revision.policy.kind != PolicyKind::Fixed)
    else {
        return Gains::default();
    };
    let control = revision.control as usize;
    let base = result.shown.get(control).map_or(0.0, ArmSums::mean);
    let gain = |answer: Option<Answer>, against: String, base: f64| {
        answer.map(|answer| {
            say(&Comparison {
                name: "Tilting".into(),
                against,
                key: "everyone",
                answer: Some(answer),
                holds_among_all: answer.verdict != Verdict::Open,
                base,
                result,
                measure: Measure::of(revision.metric()),
            })
        })
    };
    let all = result
        .shown
        .iter()
        .fold((0.0, 0.0), |(n, sum), arm| (n + arm.n, sum + arm.sum));
    let mean = if all.0 > 0.0 { all.1 / all.0 } else { 0.0 };
    // What the even split brought is what the policy brought less the gain.
    let even = mean
        - results
            .gain_over_even_split
            .map_or(0.0, |gain| gain.interval.estimate);
    Gains {
        control: gain(
            results.gain_over_control,
            format!("showing everyone {}", title(&revision.variants[control].key)),
            base,
        ),
        even_split: gain(results.gain_over_even_split, "an even split".into(), even),
    }
}

struct Comparison<'a> {
    name: String,
    against: String,
    key: &'a str,
    answer: Option<Answer>,
    holds_among_all: bool,
    /// What the other was observed to bring, scaled.
    base: f64,
    result: &'a MetricResult,
    measure: Measure<'a>,
}

fn say(c: &Comparison<'_>) -> Said {
    let units = Units {
        matured: c.result.matured as u64,
        provisional: c.result.provisional as u64,
    };
    let interval = c.answer.map(|answer| answer.interval);
    let is_matured = c.result.matured > 0.0;
    let verdict = c.answer.map_or(Verdict::Open, |answer| answer.verdict);
    Said {
        variant: c.key.into(),
        difference: MaybeInterval::scaled(interval, c.measure.scale()),
        relative: MaybeInterval::scaled(interval.filter(|_| c.base > 0.0), 1.0 / c.base.max(1e-9)),
        level: 1.0 - c.answer.map_or(super::ALPHA, |answer| answer.alpha),
        method: c.answer.map_or("", |answer| answer.method.name()),
        verdict: match verdict {
            Verdict::Open => "open",
            Verdict::More => "more",
            Verdict::Less => "less",
        },
        safe: is_matured && c.answer.is_some(),
        holds_among_all: c.holds_among_all,
        log_evidence: c.answer.map_or(0.0, |answer| answer.log_e),
        units,
        sentence: sentence(c, verdict, is_matured),
    }
}

/// "Bold brings 13 % more sign ups than Calm; between 2 % and 25 %; safe to read at any time."
fn sentence(c: &Comparison<'_>, verdict: Verdict, is_matured: bool) -> String {
    let Some(answer) = c.answer else {
        return format!(
            "{} and {} cannot be compared yet: too few visitors.",
            c.name, c.against
        );
    };
    let Interval { estimate, low, high } = Interval::scaled(answer.interval, 1.0);
    let size = |x: f64| {
        if c.base > 0.0 {
            relative(x / c.base)
        } else {
            c.measure.difference(x * c.measure.scale())
        }
    };
    let signed = |x: f64| format!("{} {}", size(x.abs()), if x < 0.0 { "less" } else { "more" });
    let trust = if is_matured {
        "safe to read at any time"
    } else {
        "early counts, no window has closed yet"
    };
    let what = c.measure.plural();
    let (name, against) = (&c.name, &c.against);
    let together = if verdict != Verdict::Open && !c.holds_among_all {
        "; among all comparisons together not yet certain"
    } else {
        ""
    };
    match verdict {
        Verdict::Open => format!(
            "Whether {name} brings more {what} than {against} is open: {} so far; between {} and {}; {trust}.",
            signed(estimate),
            signed(low),
            signed(high),
        ),
        Verdict::More if low > 0.0 => format!(
            "{name} brings {} more {what} than {against}; between {} and {}; {trust}{together}.",
            size(estimate),
            size(low),
            size(high),
        ),
        Verdict::Less if high < 0.0 => format!(
            "{name} brings {} less {what} than {against}; between {} and {}; {trust}{together}.",
            size(-estimate),
            size(-high),
            size(-low),
        ),
        // The e-process is sure of the sign before its interval is.
        Verdict::More | Verdict::Less => format!(
            "{name} brings {} {what} than {against}, but how much is open: {} so far; between {} and {}; {trust}{together}.",
            if verdict == Verdict::More { "more" } else { "less" },
            signed(estimate),
            signed(low),
            signed(high),
        ),
    }
}

/// How each guardrail stands for each variant.
pub(super) fn guardrails(look: &Look<'_>) -> Vec<Guardrail> {
    let (matured, early) = (look.matured(), look.early());
    let revision = look.today;
    let pairs = matured.iter().zip(&early);
    pairs
        .filter_map(|(matured, early)| {
            let metric = revision.metrics.get(matured.metric)?;
            let variant = revision.variants.get(matured.arm)?;
            let measure = Measure::of(metric);
            let is_breached = matured.is_breached() || early.is_breached();
            // The nearer of the two ways of looking, as a share of what it takes.
            let near = (matured.log_e / matured.threshold)
                .max(early.log_e / early.threshold)
                .max(0.0);
            let allowed = measure.difference(f64::from(metric.margin_micros()) / 1e6 * measure.scale());
            let name = title(&variant.key);
            let what = measure.plural();
            let sentence = if is_breached {
                let does = match metric.on_breach {
                    OnBreach::StopVariant => "it is stopped",
                    OnBreach::Pause => "the experiment is paused",
                    OnBreach::Notify => "nothing is done but to say so",
                };
                format!("{name} brings over {allowed} more {what} than allowed to go on: {does}.")
            } else if near >= 0.5 {
                format!("{name} may bring over {allowed} more {what}; it is watched.")
            } else {
                format!("{name} keeps to {allowed} more {what} at most, as far as is known.")
            };
            Some(Guardrail {
                event: metric.event.clone(),
                variant: variant.key.clone(),
                state: match (is_breached, near >= 0.5) {
                    (true, _) => "breached",
                    (false, true) => "near",
                    (false, false) => "holds",
                },
                on_breach: match metric.on_breach {
                    OnBreach::StopVariant => "stop-variant",
                    OnBreach::Pause => "pause",
                    OnBreach::Notify => "notify",
                },
                level: 1.0 - guardrail::ALPHA,
                evidence: near.min(1.0),
                sentence,
            })
        })
        .collect()
}

pub(super) fn sample_ratio(allocation: &Allocation) -> SampleRatio {
    let sentence = if allocation.units <= 0.0 {
        "No unit has been counted yet.".to_owned()
    } else if allocation.is_breached {
        "Variants were not shown as often as they were drawn: units are lost or forged somewhere, and no comparison can be \
         trusted until the cause is found."
            .to_owned()
    } else {
        "Variants were shown as often as they were drawn.".to_owned()
    };
    SampleRatio {
        breached: allocation.is_breached,
        units: allocation.units as u64,
        log_evidence: allocation.log_e,
        sentence,
    }
}
