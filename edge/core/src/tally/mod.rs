//! Tally: what the records of a minute have brought, by arm and by the kinds of visitors that have a name.
//!
//! A minute is one of the log's clock, as a tick is: a record belongs to it by the clock at its place, whenever its events
//! happened. So a minute that every partition has passed never changes, and what is counted of all minutes together is what the
//! sums hold: units and rewards come from the differences of the sums themselves, and an erasure or a better copy takes away
//! in the minute in which it comes. Numbers are integers, and adding in any order is exact.
//!
//! * [`Named`] are the slots of a revision that have a name.
//! * [`minute`](mod@minute) is what is said of a minute: with names, and with the sample ratio up to its end.
//! * [`wire`](self::wire) is how a tally is written down.

pub mod minute;
mod wire;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::acc::Accumulators;
use crate::event::{Exposure, Fact};
use crate::features::ONE_Q10;
use crate::join::{TICK_MS, Verdict};
use crate::revision::Revision;
use crate::segments::{Group, Listed, by_slot, groups};

/// A minute of the log's clock.
pub const MINUTE_MS: u64 = 60_000;
/// Everybody has it.
pub const EVERYBODY: u32 = 0;
/// What a square of a slot that is there adds to the sums, and what a micro-unit of reward does.
const ONE_SQUARE: i64 = (ONE_Q10 as i64) * (ONE_Q10 as i64);

/// In which minute a tick lies.
pub fn minute_of(tick: u64) -> u64 {
    tick / (MINUTE_MS / TICK_MS)
}

/// The last minute that is over at the end of a tick; nothing before the first.
pub fn over_at(tick: u64) -> Option<u64> {
    (tick.saturating_add(1) / (MINUTE_MS / TICK_MS)).checked_sub(1)
}

/// The slots of a revision that have a name.
#[derive(Clone, Debug)]
pub struct Named {
    groups: Vec<Group>,
    /// The group and the kind of each.
    places: BTreeMap<u32, (usize, usize)>,
}

impl Named {
    /// Made where it is called, as [`groups`] is.
    #[inline]
    pub fn of(revision: &Revision, values: &Listed) -> Self {
        let groups = groups(revision, values);
        let all: Vec<usize> = (0..groups.len()).collect();
        Self {
            places: by_slot(&groups, &all),
            groups,
        }
    }

    /// Of an exposure's slots those that have a name, and the one that everybody has.
    pub fn slots_of(&self, exposure: &Exposure) -> Vec<u32> {
        let named = exposure
            .slots
            .iter()
            .filter(|slot| self.places.contains_key(slot));
        core::iter::once(&EVERYBODY).chain(named).copied().collect()
    }
}

/// What an event says. The numbers are part of the written form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Kind {
    Exposure = 0,
    Outcome = 1,
    Erasure = 2,
    /// A record that is none of the log's, whatever it was meant to say.
    Unreadable = 3,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Exposure, Self::Outcome, Self::Erasure, Self::Unreadable];

    pub fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Exposure(_) => Self::Exposure,
            Fact::Outcome(_) => Self::Outcome,
            Fact::Erasure => Self::Erasure,
        }
    }
}

/// How many events met each verdict, in the order of [`Verdict::ALL`].
pub type Verdicts = [u64; Verdict::ALL.len()];

/// What was counted of one arm, of everybody or of one kind of visitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub exposures: Verdicts,
    /// By how much the sums have changed: units, and the reward of the optimised metric.
    pub units: i64,
    pub reward_micros: i64,
}

/// What a minute has brought to one revision, or (`facts` alone) to the log.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By arm and slot.
    rows: BTreeMap<(u32, u32), Row>,
    /// The rewards of the other metrics, by arm and metric.
    rewards: BTreeMap<(u32, u32), i64>,
    /// All events, by what they say.
    facts: BTreeMap<Kind, Verdicts>,
    /// Of the sums what the sample ratio is read from.
    shown: Option<Accumulators>,
}

impl Tally {
    /// An event of the log.
    pub fn count(&mut self, kind: Kind, verdict: Verdict) {
        let place = self.facts.entry(kind).or_default();
        count(place, verdict, 1);
    }

    /// An exposure of this revision, of the kinds of visitors that these slots stand for.
    pub fn count_exposure(&mut self, arm: u32, slots: &[u32], verdict: Verdict) {
        for &slot in slots {
            let row = self.rows.entry((arm, slot)).or_default();
            count(&mut row.exposures, verdict, 1);
        }
    }

    /// What the sums of this revision have changed by.
    pub fn add_sums(&mut self, sums: &Accumulators, named: &Named) {
        self.add_everybody(sums);
        for (_, arms) in sums.learning.buckets() {
            for (arm, of_arm) in (0..).zip(arms) {
                let mut add = |slot: u32, change: &dyn Fn(&mut Row)| {
                    if slot != EVERYBODY && named.places.contains_key(&slot) {
                        change(self.rows.entry((arm, slot)).or_default());
                    }
                };
                of_arm.for_each_square(|slot, square| add(slot, &|row| row.units += square / ONE_SQUARE));
                of_arm.for_each_b(|slot, micros| {
                    add(slot, &|row| row.reward_micros += micros / i64::from(ONE_Q10));
                });
            }
        }
        let shown = sums.shown_only();
        match &mut self.shown {
            Some(mine) => mine.merge(&shown),
            None => self.shown = Some(shown),
        }
    }

    fn add_everybody(&mut self, sums: &Accumulators) {
        let inference = &sums.inference;
        for (_, bucket) in inference.buckets() {
            for (place, cell) in bucket.arms.iter().enumerate() {
                let (metric, arm) = inference.metric_and_arm(place);
                if metric > 0 {
                    *self.rewards.entry((arm, metric)).or_default() += cell.sum_r;
                } else if cell.n != 0 || cell.sum_r != 0 {
                    let row = self.rows.entry((arm, EVERYBODY)).or_default();
                    row.units += cell.n;
                    row.reward_micros += cell.sum_r;
                }
            }
        }
    }

    /// Adds what another has counted of the same minute and revision.
    pub fn merge(&mut self, other: &Self) {
        for (&key, row) in &other.rows {
            self.rows.entry(key).or_default().add(row);
        }
        for (&key, micros) in &other.rewards {
            *self.rewards.entry(key).or_default() += micros;
        }
        for (&kind, verdicts) in &other.facts {
            add(self.facts.entry(kind).or_default(), verdicts);
        }
        match (&mut self.shown, &other.shown) {
            (Some(mine), Some(shown)) => mine.merge(shown),
            (mine @ None, Some(shown)) => *mine = Some(shown.clone()),
            (_, None) => {}
        }
    }

    pub fn row(&self, arm: u32, slot: u32) -> Row {
        self.rows.get(&(arm, slot)).copied().unwrap_or_default()
    }

    /// What there is of one kind of facts.
    pub fn facts(&self, kind: Kind) -> Verdicts {
        self.facts.get(&kind).copied().unwrap_or_default()
    }

    fn reward(&self, arm: u32, metric: u32) -> i64 {
        match metric {
            0 => self.row(arm, EVERYBODY).reward_micros,
            _ => self.rewards.get(&(arm, metric)).copied().unwrap_or(0),
        }
    }
}

impl Row {
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.exposures, &other.exposures);
        self.units += other.units;
        self.reward_micros += other.reward_micros;
    }

    /// Where the other is a part of this one.
    pub fn take_away(&mut self, other: &Self) {
        for (mine, theirs) in self.exposures.iter_mut().zip(&other.exposures) {
            *mine = mine.saturating_sub(*theirs);
        }
        self.units -= other.units;
        self.reward_micros -= other.reward_micros;
    }
}

fn count(verdicts: &mut Verdicts, verdict: Verdict, by: u64) {
    for (count, _) in verdicts
        .iter_mut()
        .zip(Verdict::ALL)
        .filter(|(_, v)| *v == verdict)
    {
        *count += by;
    }
}

fn add(mine: &mut Verdicts, theirs: &Verdicts) {
    mine.iter_mut()
        .zip(theirs)
        .for_each(|(mine, theirs)| *mine += theirs);
}
