//! What is happening, in a few sentences: what tilting brought, who gets the traffic, and what is certain of the variants.

use tiltwise_core::infer::Results;
use tiltwise_core::revision::PolicyKind;
use tiltwise_core::snapshot::Phase;

use super::Subject;
use super::said::Said;
use super::view::{Gains, SampleRatio, Variant};
use super::words::{Measure, percent, title};

/// What there is to say.
pub(super) struct Facts<'a> {
    pub subject: &'a Subject<'a>,
    pub results: &'a Results,
    pub variants: &'a [Variant],
    pub contrasts: &'a [Said],
    pub gains: &'a Gains,
    pub sample_ratio: &'a SampleRatio,
    pub measure: Measure<'a>,
}

pub(super) fn say(facts: &Facts<'_>) -> String {
    let Facts {
        subject, variants, ..
    } = facts;
    let measure = facts.measure;
    let control = subject.experiment.revision.control as usize;
    match subject.experiment.phase {
        Phase::Paused => return format!("Paused: everybody sees {}.", title(&variants[control].key)),
        Phase::Decided { winner } => {
            return format!(
                "Decided: everybody sees {}.",
                title(&variants[winner as usize].key)
            );
        }
        Phase::Running => {}
    }
    let units: u64 = variants.iter().map(|v| v.units).sum();
    if units == 0 {
        return "No visitors yet: the first ones are split evenly.".into();
    }
    if facts.sample_ratio.breached {
        return facts.sample_ratio.sentence.clone();
    }
    let mut parts = Vec::new();
    // The headline is what everyone would have gained or lost with the control alone, as soon as that is certain.
    let certain = |said: &Option<Said>| {
        let said = said.as_ref().filter(|said| said.safe && said.verdict != "open");
        said.map(|said| said.sentence.clone())
    };
    parts.extend(certain(&facts.gains.control));
    parts.extend(certain(&facts.gains.even_split));
    parts.push(if subject.experiment.revision.policy.kind == PolicyKind::Fixed {
        fixed(variants, measure)
    } else {
        tilted(variants, control, measure)
    });
    parts.push(evidence(facts.contrasts));
    if facts.results.metrics.first().is_none_or(|m| m.matured <= 0.0) {
        parts.push("These are early counts: no window has closed yet.".into());
    }
    parts.join(" ")
}

fn fixed(variants: &[Variant], measure: Measure<'_>) -> String {
    let all: Vec<String> = variants
        .iter()
        .map(|v| format!("{} with {}", worth(v, measure), title(&v.key)))
        .collect();
    format!("The split is fixed: {}.", all.join(", "))
}

fn tilted(variants: &[Variant], control: usize, measure: Measure<'_>) -> String {
    let by_share = |a: &&Variant, b: &&Variant| a.share.total_cmp(&b.share);
    let Some(leader) = variants.iter().filter(|v| !v.stopped).max_by(by_share) else {
        return "Every variant is stopped.".into();
    };
    let against = if leader.key == variants[control].key {
        variants
            .iter()
            .filter(|v| v.key != leader.key && !v.stopped)
            .max_by(by_share)
    } else {
        variants.get(control)
    };
    let other = against
        .map(|v| format!(", against {} with {}", amount(v, measure), title(&v.key)))
        .unwrap_or_default();
    format!(
        "{} is getting {} of visitors: {}{other}.",
        title(&leader.key),
        percent(leader.share),
        worth(leader, measure)
    )
}

/// The comparison that is surest.
fn evidence(contrasts: &[Said]) -> String {
    let certain = contrasts.iter().filter(|c| c.safe && c.verdict != "open");
    certain
        .max_by(|a, b| a.log_evidence.total_cmp(&b.log_evidence))
        .map_or_else(
            || "Too early to say which is better.".into(),
            |c| c.sentence.clone(),
        )
}

/// What a unit brings: "13.2 % reach signup", "12.30 EUR of purchase each".
fn worth(variant: &Variant, measure: Measure<'_>) -> String {
    let event = measure.event();
    match (variant.rate.estimate, measure.is_rate()) {
        (None, _) => "too few to count".into(),
        (Some(_), false) => format!("{} of {event} each", amount(variant, measure)),
        (Some(_), true) => format!("{} reach {event}", amount(variant, measure)),
    }
}

/// The same without the words: "9.8 %".
fn amount(variant: &Variant, measure: Measure<'_>) -> String {
    variant
        .rate
        .estimate
        .map_or_else(|| "too few to count".into(), |estimate| measure.amount(estimate))
}
