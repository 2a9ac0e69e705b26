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

/// A decision, and where it is.
struct Found<'a> {
    decided_at_ms: u64,
    unit: Pseudonym,
    episode: &'a Episode,
    worth: &'a Worth,
    fold: &'a Fold,
}

/// The decisions that were asked for, oldest first, and what was left out of them.
///
/// Clones nothing but what a row shows, while it is shown: there may be millions.
pub fn rows<'a>(
    folds: impl IntoIterator<Item = &'a Fold>,
    choice: &Choice,
) -> (Vec<impl Fn() -> Option<Row<'a>>>, Left) {
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
    let shown = found.into_iter().map(|found| move || found.row());
    (shown.collect(), left)
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
