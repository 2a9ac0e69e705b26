//! An event as one JSON object. The fields are documented in docs/kafka.md; one that was published keeps its meaning.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tiltwise_core::{
    event::{Exposure, Fact, LoggedEvent, LoggedOutcome, Quarantine},
    id::Tier,
    propensity::ONE_Q30,
};

use super::{EXPOSURES, Known, OUTCOMES};

/// Where an event goes, and what it is there. An exposure that is quarantined goes nowhere, since a reader would count it; an
/// erasure goes to both, since readers have to forget too.
pub(super) fn plain(event: &LoggedEvent, known: &Known) -> Vec<(&'static str, Value)> {
    match &event.fact {
        Fact::Exposure(_) if event.quarantine != Quarantine::None => Vec::new(),
        Fact::Exposure(exposure) => vec![(EXPOSURES, line(event, exposed(exposure, known)))],
        Fact::Outcome(outcome) => vec![(OUTCOMES, line(event, happened(outcome)))],
        Fact::Erasure => {
            let erased = line(event, json!({ "erased": true }));
            vec![(EXPOSURES, erased.clone()), (OUTCOMES, erased)]
        }
    }
}

/// What every event has, and what this one has beside it.
fn line(event: &LoggedEvent, fact: Value) -> Value {
    let mut line = Map::from_iter([
        ("event_id".to_owned(), hex::encode(event.id).into()),
        ("anonymous_id".to_owned(), hex::encode(event.unit.0).into()),
        ("timestamp".to_owned(), time(event.at_ms)),
        ("received".to_owned(), time(event.received_ms)),
        ("tier".to_owned(), tier(event.tier).into()),
    ]);
    if let Value::Object(fact) = fact {
        line.extend(fact);
    }
    line.into()
}

/// Keys where the revision is known here; its hash in any case.
fn exposed(exposure: &Exposure, known: &Known) -> Value {
    let revision = known(exposure.revision);
    let arm = exposure.arm as usize;
    let propensity = exposure.propensities_q30.get(arm).copied().unwrap_or(0);
    let variant = revision
        .as_ref()
        .and_then(|revision| revision.variants.get(arm))
        .map(|variant| variant.key.clone());
    json!({
        "experiment_id": revision.as_ref().map(|revision| &revision.key),
        "variation_id": variant,
        "variation_index": arm,
        "propensity": f64::from(propensity) / f64::from(ONE_Q30),
        "comparison_group": exposure.in_comparison_group(),
        "forced": exposure.is_override(),
        "revision": format!("{:016x}", exposure.revision.0),
        "model_version": exposure.model.to_string(),
        "episode": exposure.episode.to_string(),
    })
}

fn happened(outcome: &LoggedOutcome) -> Value {
    json!({
        "outcome": outcome.name,
        "value": outcome.value_micros as f64 / 1e6,
        "currency": outcome.currency,
    })
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Page => "page",
        Tier::Worker => "worker",
        Tier::Server => "server",
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn time(ms: u64) -> Value {
    let at = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or(Value::Null, |at| format!("{at:.3}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiltwise_core::id::{Pseudonym, RevisionId, UnitKind};

    fn event(fact: Fact, quarantine: Quarantine) -> LoggedEvent {
        LoggedEvent {
            id: [1; 16],
            unit: Pseudonym([2; 16]),
            received_ms: 1_000,
            at_ms: 999,
            tier: Tier::Server,
            quarantine,
            fact,
        }
    }

    fn exposure() -> Fact {
        Fact::Exposure(Exposure {
            revision: RevisionId(255),
            model: u64::MAX,
            episode: 7,
            arm: 1,
            draw: 0,
            slots: Vec::new(),
            values_q10: Vec::new(),
            propensities_q30: vec![ONE_Q30 / 4 * 3, ONE_Q30 / 4],
            predictions_micros: Vec::new(),
            variances_micros: Vec::new(),
            flags: 0,
            unit_kind: UnitKind::Visitor,
        })
    }

    #[test]
    fn an_exposure_of_a_revision_that_is_not_known_here_keeps_its_hash_and_its_place() {
        let lines = plain(&event(exposure(), Quarantine::None), &|_| None);
        let [(topic, line)] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(*topic, "exposures");
        let expected = json!({
            "event_id": "01".repeat(16), "anonymous_id": "02".repeat(16), "timestamp": "1970-01-01T00:00:00.999Z",
            "received": "1970-01-01T00:00:01.000Z", "tier": "server", "experiment_id": null, "variation_id": null,
            "variation_index": 1, "propensity": 0.25, "comparison_group": false, "forced": false,
            "revision": "00000000000000ff", "model_version": "18446744073709551615", "episode": "7",
        });
        assert_eq!(*line, expected);
    }

    #[test]
    fn an_erasure_is_told_in_both_topics_and_a_quarantined_exposure_in_none() {
        let topics = |event| -> Vec<&str> {
            let lines = plain(&event, &|_| None);
            lines.iter().map(|(topic, _)| *topic).collect()
        };
        assert_eq!(
            topics(event(Fact::Erasure, Quarantine::None)),
            ["exposures", "outcomes"]
        );
        assert!(topics(event(exposure(), Quarantine::Disagrees)).is_empty());
        let outcome = Fact::Outcome(LoggedOutcome::new("signup", 0.0, ""));
        assert_eq!(topics(event(outcome, Quarantine::None)), ["outcomes"]);
    }
}
