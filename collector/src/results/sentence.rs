//! One plain sentence: what is happening, how sure that is, and whether it may be relied on.

use tiltwise_core::revision::PolicyKind;
use tiltwise_core::snapshot::Phase;

use super::Subject;
use super::sums::Sums;
use super::view::{Contrast, Metric, Variant};

pub(super) fn say(
    subject: &Subject<'_>,
    sums: &Sums,
    variants: &[Variant],
    contrasts: &[Contrast],
    metric: &Metric,
) -> String {
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
    let what_happens = if subject.experiment.revision.policy.kind == PolicyKind::Fixed {
        fixed(variants, metric)
    } else {
        tilted(variants, control, metric)
    };
    let when = if sums.matured_units() > 0.0 {
        ""
    } else {
        " These are early counts: no window has closed yet."
    };
    format!(
        "{what_happens} {}{when}",
        evidence(variants, control, contrasts, metric)
    )
}

fn fixed(variants: &[Variant], metric: &Metric) -> String {
    let all: Vec<String> = variants
        .iter()
        .map(|v| format!("{} with {}", worth(v, metric), title(&v.key)))
        .collect();
    format!("The split is fixed: {}.", all.join(", "))
}

fn tilted(variants: &[Variant], control: usize, metric: &Metric) -> String {
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
        .map(|v| format!(", against {} with {}", amount(v, metric), title(&v.key)))
        .unwrap_or_default();
    format!(
        "{} is getting {} of visitors: {}{other}.",
        title(&leader.key),
        percent(leader.share),
        worth(leader, metric)
    )
}

/// The contrast that says most: the leader's, or of several the surest.
fn evidence(variants: &[Variant], control: usize, contrasts: &[Contrast], metric: &Metric) -> String {
    let decided = contrasts.iter().filter(|c| c.safe).find(|c| {
        c.difference.low.is_some_and(|low| low > 0.0) || c.difference.high.is_some_and(|high| high < 0.0)
    });
    let Some((c, estimate, low, high)) =
        decided.and_then(|c| Some((c, c.difference.estimate?, c.difference.low?, c.difference.high?)))
    else {
        return "Too early to say which is better.".into();
    };
    let direction = if estimate > 0.0 { "more" } else { "less" };
    let (small, large) = if estimate > 0.0 {
        (low, high)
    } else {
        (-high, -low)
    };
    format!(
        "{} brings {} {direction} than {}, between {} and {}; safe to read at any time.",
        title(&c.variant),
        points(estimate.abs(), metric),
        title(&variants[control].key),
        points(small, metric),
        points(large, metric),
    )
}

/// What a unit brings: "13.2 % reach signup", "12.30 EUR of purchase each".
fn worth(variant: &Variant, metric: &Metric) -> String {
    let event = metric.event.replace('_', " ");
    match (variant.rate.estimate, metric.kind) {
        (None, _) => "too few to count".into(),
        (Some(_), "value") => format!("{} of {event} each", amount(variant, metric)),
        (Some(_), _) => format!("{} reach {event}", amount(variant, metric)),
    }
}

/// The same without the words: "9.8 %".
fn amount(variant: &Variant, metric: &Metric) -> String {
    match (variant.rate.estimate, metric.kind) {
        (None, _) => "too few to count".into(),
        (Some(estimate), "value") => money(estimate, metric),
        (Some(estimate), _) => percent(estimate),
    }
}

fn points(difference: f64, metric: &Metric) -> String {
    match metric.kind {
        "value" => format!("{} each", money(difference, metric)),
        _ => format!("{:.1} points", difference * 100.0),
    }
}

fn money(amount: f64, metric: &Metric) -> String {
    match &metric.currency {
        Some(currency) => format!("{amount:.2} {currency}"),
        None => format!("{amount:.2}"),
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 99.95 || (percent.fract() < 0.05 && percent >= 10.0) {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A variant's key as a word in a sentence: "free-shipping" is "Free shipping".
fn title(key: &str) -> String {
    let words = key.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
