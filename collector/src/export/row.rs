//! One decision that counts.

use serde_json::{Map, Value, json};
use tiltwise_core::{
    event::Exposure,
    id::{Pseudonym, RevisionId},
    join::{Fold, Shard, episode::Episode, reward::Worth},
    propensity::ONE_Q30,
    revision::{Metric, Revision},
};

use super::Choice;

#[derive(Debug, Clone)]
pub struct Row<'a> {
    pub decided_at_ms: u64,
    pub unit: Pseudonym,
    pub experiment: &'a str,
    pub variation: &'a str,
    /// With which probability the variation was drawn, given what was known of the unit.
    pub propensity: f64,
    pub in_comparison_group: bool,
    pub revision: RevisionId,
    /// The version of the snapshot that decided.
    pub model: u64,
    /// The event of the metric that is optimised, and what came of it: 0 to 1.
    pub outcome: &'a str,
    pub reward: f64,
    /// What came of every metric, in its own units.
    pub outcomes: Map<String, Value>,
    /// No outcome can count any more.
    pub is_final: bool,
}

/// Decisions that are known and in no row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// They count for nothing: quarantined, forced by a person, or void for their many outcomes.
    pub void: u64,
}

/// The decisions that were asked for, oldest first.
///
/// Clones nothing but what a row shows, while it is shown: there may be millions.
pub struct Rows<'a> {
    found: Vec<Found<'a>>,
    pub left: Left,
}

/// A decision, and where it is.
struct Found<'a> {
    decided_at_ms: u64,
    unit: Pseudonym,
    episode: &'a Episode,
    worth: &'a Worth,
    fold: &'a Fold,
}

/// Finds them in what was folded.
pub fn rows<'a>(folds: impl IntoIterator<Item = &'a Fold>, choice: &Choice) -> Rows<'a> {
    let (mut found, mut left) = (Vec::new(), Left::default());
    for fold in folds {
        let units = fold.shards().flat_map(Shard::units);
        for (unit, episode) in units.flat_map(|(id, unit)| unit.episodes.iter().map(move |e| (*id, e))) {
            let (Some(standing), Some(revision)) =
                (episode.standing(), fold.revisions().get(&episode.revision))
            else {
                continue;
            };
            if !choice.takes(&revision.key, standing.decided_at_ms) {
                continue;
            }
            match &episode.folded {
                Some(worth) => found.push(Found {
                    decided_at_ms: standing.decided_at_ms,
                    unit,
                    episode,
                    worth,
                    fold,
                }),
                None => left.void += 1,
            }
        }
    }
    found.sort_by_key(|found| (found.decided_at_ms, found.unit, found.episode.key()));
    Rows { found, left }
}

impl<'a> Rows<'a> {
    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'a>> {
        self.found.iter().filter_map(Found::row)
    }
}

impl<'a> Found<'a> {
    /// Nothing where the state holds what no fold has put there.
    fn row(&self) -> Option<Row<'a>> {
        let (fold, episode) = (self.fold, self.episode);
        let revision = fold.revisions().get(&episode.revision)?;
        let exposure = Exposure::decode(&episode.standing()?.exposure).ok()?;
        let arm = exposure.arm as usize;
        let propensity = *exposure.propensities_q30.get(arm)?;
        let window_ms = revision.longest_window_ms();
        let closes_ms = self.decided_at_ms + window_ms + fold.params().lateness_ms;
        Some(Row {
            decided_at_ms: self.decided_at_ms,
            unit: self.unit,
            experiment: &revision.key,
            variation: &revision.variants.get(arm)?.key,
            propensity: f64::from(propensity) / f64::from(ONE_Q30),
            in_comparison_group: exposure.in_comparison_group(),
            revision: episode.revision,
            model: exposure.model,
            outcome: &revision.metric().event,
            reward: f64::from(self.worth.reward(0)) / 1e6,
            outcomes: outcomes(revision, self.worth),
            is_final: fold.clock().ms() > closes_ms,
        })
    }
}

/// By event; where several metrics look at one event, those after the first by event and place.
fn outcomes(revision: &Revision, worth: &Worth) -> Map<String, Value> {
    let mut outcomes = Map::new();
    for (place, metric) in revision.metrics.iter().enumerate() {
        let name = if outcomes.contains_key(&metric.event) {
            format!("{}.{place}", metric.event)
        } else {
            metric.event.clone()
        };
        outcomes.insert(name, in_its_units(metric, worth.reward(place)));
    }
    outcomes
}

/// 0 or 1 where an episode counts once; else the sum of values, clipped to the cap.
fn in_its_units(metric: &Metric, reward_micros: u32) -> Value {
    match metric.cap_micros {
        0 => json!(u32::from(reward_micros > 0)),
        cap => {
            let micros = u128::from(reward_micros) * u128::from(cap) / 1_000_000;
            json!(micros as f64 / 1e6)
        }
    }
}

#[cfg(test)]
mod tests {
    use tiltwise_core::{
        event::{FLAG_OVERRIDE, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine},
        id::{Tier, UnitKind},
        join::{MAX_STEP_MS, Params},
    };

    use super::*;
    use crate::experiments::Experiments;

    const FILE: &str = r#"
[[experiment]]
key = "cart"
control = "plain"
variants = [{ key = "plain" }, { key = "bold" }]
policy = { kind = "fixed", weights = { plain = 0.75, bold = 0.25 } }
metric = { event = "purchase", value = "sum", cap = 50.0, currency = "EUR", window = "30m" }
secondary = [{ event = "purchase", window = "30m" }]
"#;
    const ID: RevisionId = RevisionId(7);
    const NOW_MS: u64 = 1_700_000_000_000;

    fn event(unit: u8, id: u8, fact: Fact) -> LoggedEvent {
        LoggedEvent {
            id: [id; 16],
            unit: Pseudonym([unit; 16]),
            received_ms: NOW_MS,
            at_ms: NOW_MS - 1,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        }
    }

    fn shown(unit: u8, flags: u32) -> LoggedEvent {
        let exposure = Exposure {
            revision: ID,
            model: 3,
            episode: 1,
            arm: 1,
            draw: 0,
            slots: Vec::new(),
            values_q10: Vec::new(),
            propensities_q30: vec![ONE_Q30 / 4 * 3, ONE_Q30 / 4],
            predictions_micros: Vec::new(),
            variances_micros: Vec::new(),
            flags,
            unit_kind: UnitKind::Visitor,
        };
        event(unit, 1, Fact::Exposure(exposure))
    }

    fn bought(unit: u8, id: u8, value: f64) -> LoggedEvent {
        event(
            unit,
            id,
            Fact::Outcome(LoggedOutcome::new("purchase", value, "EUR")),
        )
    }

    /// What is shown of these events: unit, reward and whether it is final; and what was left out.
    fn exported(events: Vec<LoggedEvent>, later_ms: u64) -> (Vec<(u8, f64, bool)>, Left) {
        let mut fold = Fold::new(Params::default());
        let experiments = Experiments::check("experiments.toml", FILE, "shop").unwrap();
        fold.add_revision(ID, experiments.definitions[0].revision.clone());
        let record = |clock_ms, events| LogRecord { clock_ms, events };
        fold.apply(record(NOW_MS, events));
        // A clock moves by so much with a record and no further.
        let steps = (0..later_ms).step_by(MAX_STEP_MS as usize).chain([later_ms]);
        steps.for_each(|ms| fold.apply(record(NOW_MS + ms, Vec::new())));
        let rows = rows([&fold], &Choice::default());
        let shown = rows.iter();
        let shown = shown.map(|row| (row.unit.0[0], row.reward, row.is_final));
        (shown.collect(), rows.left)
    }

    #[test]
    fn what_is_quarantined_or_forced_is_left_out_and_a_copy_or_a_second_showing_is_no_row_more() {
        let quarantined = LoggedEvent {
            quarantine: Quarantine::Disagrees,
            ..shown(2, 0)
        };
        let again = LoggedEvent {
            id: [9; 16],
            ..shown(1, 0)
        };
        let events = vec![
            shown(1, 0),
            shown(1, 0),
            again,
            quarantined,
            shown(3, 0),
            shown(3, FLAG_OVERRIDE),
            shown(4, 0),
        ];
        assert_eq!(
            exported(events, 0),
            (vec![(1, 0.0, false), (4, 0.0, false)], Left { void: 2 })
        );
    }

    #[test]
    fn an_erased_unit_is_in_no_row_and_in_no_count() {
        let events = vec![
            shown(1, 0),
            bought(1, 2, 20.0),
            shown(2, 0),
            event(1, 3, Fact::Erasure),
        ];
        assert_eq!(exported(events, 0), (vec![(2, 0.0, false)], Left { void: 0 }));
    }

    #[test]
    fn an_outcome_counts_once_up_to_the_cap_and_is_final_after_window_and_lateness() {
        let twice = vec![shown(1, 0), bought(1, 2, 20.0), bought(1, 2, 20.0)];
        assert_eq!(exported(twice, 5_399_999).0, [(1, 0.4, false)]);
        let capped = vec![shown(1, 0), bought(1, 2, 20.0), bought(1, 3, 40.0)];
        assert_eq!(exported(capped, 5_400_000).0, [(1, 1.0, true)]);
    }

    #[test]
    fn a_row_has_keys_and_the_worth_of_every_metric_in_its_own_units() {
        let mut fold = Fold::new(Params::default());
        let experiments = Experiments::check("experiments.toml", FILE, "shop").unwrap();
        fold.add_revision(ID, experiments.definitions[0].revision.clone());
        fold.apply(LogRecord {
            clock_ms: NOW_MS,
            events: vec![shown(1, 0), bought(1, 2, 19.9)],
        });
        let rows = rows([&fold], &Choice::default());
        let row = rows.iter().next().unwrap();
        assert_eq!(
            (row.experiment, row.variation, row.outcome),
            ("cart", "bold", "purchase")
        );
        assert!((row.propensity - 0.25).abs() < 1e-9);
        assert_eq!(
            Value::Object(row.outcomes),
            json!({ "purchase": 19.9, "purchase.1": 1 })
        );
    }
}
