//! That what visitors do has changed, in words.

use jiff::Timestamp;
use serde::Serialize;
use tiltwise_core::infer::Alert;
use tiltwise_core::infer::drift::Part;
use tiltwise_core::revision::Revision;

use super::words::{Measure, percent, title};

/// A change that models had not foreseen, seen within the last day.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// When it began, by estimate; when it could be said; and when it was last seen.
    pub since_ms: u64,
    pub seen_ms: u64,
    pub last_ms: u64,
    pub parts: Vec<DriftPart>,
    pub sentence: String,
}

/// Units that bring more or less than was predicted.
#[derive(Clone, Debug, Serialize)]
pub struct DriftPart {
    /// The variant's key; "everyone" where all are meant.
    pub variant: String,
    /// "more" or "less".
    pub verdict: &'static str,
    /// What came over what was predicted, from the beginning until it was seen.
    pub ratio: Option<f64>,
}

/// The newest alert, as long as it stands.
pub(super) fn say(revision: &Revision, alerts: &[Alert], clock_ms: u64) -> Option<Drift> {
    let alert = alerts.last().filter(|alert| alert.stands(clock_ms))?;
    Some(Drift {
        since_ms: alert.since_ms,
        seen_ms: alert.seen_ms,
        last_ms: alert.last_ms,
        parts: alert
            .parts
            .iter()
            .map(|part| DriftPart {
                variant: part
                    .arm
                    .and_then(|arm| revision.variants.get(arm))
                    .map_or_else(|| "everyone".to_owned(), |variant| variant.key.clone()),
                verdict: if part.is_more { "more" } else { "less" },
                ratio: part.predicted.ratio(),
            })
            .collect(),
        sentence: sentence(revision, alert),
    })
}

/// "What visitors do has changed since 14:05 on 2026-03-01 UTC: Bold brings 41 % less sign ups than predicted (5.9 % instead of 10.0 %)."
pub fn sentence(revision: &Revision, alert: &Alert) -> String {
    let measure = Measure::of(revision.metric());
    let parts: Vec<String> = alert
        .parts
        .iter()
        .map(|part| change(revision, part, measure))
        .collect();
    let at = Timestamp::from_millisecond(alert.since_ms.cast_signed()).unwrap_or_default();
    format!(
        "What visitors do has changed since {} UTC: {}.",
        at.strftime("%H:%M on %F"),
        parts.join(", and ")
    )
}

fn change(revision: &Revision, part: &Part, measure: Measure<'_>) -> String {
    let subject = match part.arm.and_then(|arm| revision.variants.get(arm)) {
        Some(variant) => format!("{} brings", title(&variant.key)),
        None => "they bring".to_owned(),
    };
    let predicted = &part.predicted;
    let each = |sum: f64| measure.amount(sum / predicted.units.max(1.0) * measure.scale());
    let off = predicted.ratio().map_or(0.0, |ratio| (ratio - 1.0).abs());
    format!(
        "{subject} {} {} {} than predicted ({} instead of {})",
        percent(off),
        if part.is_more { "more" } else { "less" },
        measure.plural(),
        each(predicted.reward),
        each(predicted.prediction),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiltwise_core::infer::predicted::Predicted;

    const FILE: &str = r#"
[[experiment]]
key = "hero"
name = "Hero"
control = "calm"
variants = [{ key = "calm", value = "c" }, { key = "free-shipping", value = "f" }]
policy = { kind = "thompson" }
metric = METRIC
"#;

    fn said(metric: &str, parts: Vec<Part>) -> String {
        let text = FILE.replace("METRIC", metric);
        let experiments = crate::experiments::Experiments::check("experiments.toml", &text, "shop").unwrap();
        let alert = Alert {
            parts,
            since_ms: 1_709_294_700_000,
            seen_ms: 1_709_298_300_000,
            last_ms: 1_709_298_300_000,
        };
        let revision = &experiments.definitions[0].revision;
        let drift = say(revision, std::slice::from_ref(&alert), alert.seen_ms).unwrap();
        assert!(
            say(revision, &[alert], 1_709_298_300_000 + 86_400_000).is_none(),
            "it stands for a day"
        );
        drift.sentence
    }

    fn part(arm: Option<usize>, reward: f64, prediction: f64) -> Part {
        Part {
            arm,
            is_more: reward > prediction,
            predicted: Predicted {
                units: 1_000.0,
                reward,
                prediction,
                squares: reward,
            },
        }
    }

    #[test]
    fn a_change_is_told_with_its_time_its_variant_and_its_size() {
        let said = said(
            r#"{ event = "sign_up", window = "2m" }"#,
            vec![part(Some(1), 59.0, 100.0)],
        );
        assert_eq!(
            said,
            "What visitors do has changed since 12:05 on 2024-03-01 UTC: Free shipping brings 41 % less sign ups than \
             predicted (5.9 % instead of 10 %)."
        );
    }

    #[test]
    fn what_changed_in_two_variants_or_for_everybody_is_told_as_such() {
        let two = said(
            r#"{ event = "purchase", value = "sum", cap = 50.0, currency = "EUR", window = "2m" }"#,
            vec![part(Some(0), 50.0, 100.0), part(Some(1), 150.0, 100.0)],
        );
        assert!(
            two.ends_with(
                "Calm brings 50 % less purchase value than predicted (2.50 EUR instead of 5.00 EUR), and Free shipping brings \
                 50 % more purchase value than predicted (7.50 EUR instead of 5.00 EUR)."
            ),
            "{two}"
        );
        let all = said(
            r#"{ event = "sign_up", window = "2m" }"#,
            vec![part(None, 300.0, 100.0)],
        );
        assert!(
            all.contains("they bring 200 % more sign ups than predicted"),
            "{all}"
        );
    }
}
