//! History: what was learned before the experiment, or elsewhere, as a discounted start.
//!
//! (A, b) ← ω (A_hist, b_hist), ω = min(1, n₀ / n_hist): history counts for at most n₀ visitors, however many it has, so that
//! a history that misleads is outweighed as soon as the experiment has seen as many of its own. On top of that it is
//! forgotten by its age like everything else, and let go of where the experiment contradicts it (see [`trust`]).
//!
//! There are two kinds, kept apart because of what they may say:
//!
//! * [`Reach::Arms`]: the choice between the arms was random, so their difference is the arms' own. Its sums join those of
//!   the running experiment, weighed by the inverse of the propensity and scaled so that each arm counts for its effective
//!   number of rows, (Σw)²/Σw². With constant shares that is the plain count.
//! * [`Reach::Pooled`]: only one arm was shown, so a difference between it and another would be one between two times, or
//!   two crowds. It moves what is predicted of *all* arms by the same amount ([`lift`]), after the model has been fitted
//!   without it: differences between arms, and so the probabilities, are what they would be had it never come.
//!
//! Nothing here touches the sums that inference reads.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::cholesky::{Factor, at};
use super::weigh::{Cell, REWARD_ONE, SQUARE_ONE, Weighed, kept};
use super::{Source, trust, variance_micros};
use crate::acc::{Accumulators, ArmSums};
use crate::model::{MAX_MODEL_SLOTS, Model, Segment};
use crate::policy::PRIOR_PRECISION;
use crate::revision::{PolicyKind, Revision};

/// What history may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Arms against each other: the choice was random.
    Arms,
    /// All arms alike: only one was shown.
    Pooled,
}

/// Rows whose shown arm had about the same propensity.
#[derive(Clone, Debug)]
pub struct Part {
    /// The inverse of that propensity, up to a factor that all parts share.
    pub weight: f64,
    pub sums: Accumulators,
}

/// The history of one experiment from one file.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    /// The definition that its rows were encoded by.
    pub revision: &'a Revision,
    pub parts: &'a [Part],
    pub reach: Reach,
    /// n₀: it counts for at most so many visitors, as of this time.
    pub worth: f64,
    pub as_of_ms: u64,
}

impl<'a> History<'a> {
    /// Whether its sums mean what the revision's mean: one encoder, one reward.
    pub fn fits(&self, revision: &Revision) -> bool {
        self.parts
            .iter()
            .all(|part| Self::source(self.revision, &part.sums).is_compatible(revision))
    }

    /// How many visitors it would count for without a limit, by arm of the revision.
    pub fn effective(&self, revision: &Revision) -> Vec<f64> {
        let mut spans = vec![Span::default(); revision.arms()];
        for row in self.rows(revision) {
            if let Some(span) = spans.get_mut(row.arm) {
                span.add(&row, kept(self.age_ms(&row), revision.half_life_ms));
            }
        }
        spans.iter().map(Span::effective).collect()
    }

    fn source(revision: &'a Revision, sums: &'a Accumulators) -> Source<'a> {
        Source { revision, sums }
    }

    fn rows(&self, revision: &Revision) -> Vec<Row<'a>> {
        let mut rows = Vec::new();
        for part in self.parts {
            let places = Self::source(self.revision, &part.sums).arms_in(revision);
            for ((start, width), arms) in part.sums.learning.buckets() {
                for (sums, place) in arms.iter().zip(&places) {
                    let Some(arm) = *place else { continue };
                    if sums.n != 0 {
                        rows.push(Row {
                            arm,
                            sums,
                            weight: part.weight,
                            middle_ms: start.saturating_add(width / 2),
                        });
                    }
                }
            }
        }
        rows
    }

    fn age_ms(&self, row: &Row<'_>) -> f64 {
        self.as_of_ms.saturating_sub(row.middle_ms) as f64
    }
}

/// One arm of one bucket of one part.
struct Row<'a> {
    arm: usize,
    sums: &'a ArmSums,
    weight: f64,
    middle_ms: u64,
}

/// Σ w and Σ w² over the rows of an arm.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    weights: f64,
    squares: f64,
}

impl Span {
    fn add(&mut self, row: &Row<'_>, kept: f64) {
        let n = row.sums.n as f64 * kept;
        self.weights += n * row.weight;
        self.squares += n * row.weight * row.weight;
    }

    /// What a weight has to be multiplied with, so that the weights add up to the effective number.
    fn scale(&self) -> f64 {
        if self.squares > 0.0 {
            self.weights / self.squares
        } else {
            0.0
        }
    }

    fn effective(&self) -> f64 {
        self.weights * self.scale()
    }
}

/// Adds what may move arms to the sums that a model is fitted from. Returns the arms that it says nothing of, where it says
/// anything at all: they are new, as those of an edit are.
pub(super) fn add_to<'a>(
    weighed: &mut Weighed<'a>,
    revision: &Revision,
    histories: &[History<'a>],
    clock_ms: u64,
) -> Vec<usize> {
    let mut cells = discounted(revision, histories, Reach::Arms, clock_ms);
    let trusted = trust::fraction(weighed.cells(), &cells, revision.arms());
    for cell in &mut cells {
        cell.kept *= trusted;
    }
    let missing = |arm: &usize| !cells.iter().any(|cell| cell.arm == *arm);
    let missing = (0..revision.arms())
        .filter(missing)
        .filter(|_| !cells.is_empty())
        .collect();
    for cell in cells {
        weighed.add_history(cell);
    }
    missing
}

/// The cells of all histories of one reach, which together count for at most the largest of their worths.
fn discounted<'a>(
    revision: &Revision,
    histories: &[History<'a>],
    reach: Reach,
    clock_ms: u64,
) -> Vec<Cell<'a>> {
    let of_reach = || {
        histories
            .iter()
            .filter(|history| history.reach == reach && history.fits(revision))
    };
    let n_0 = of_reach().map(|history| history.worth).fold(0.0, f64::max);
    let n: f64 = of_reach().flat_map(|history| history.effective(revision)).sum();
    let omega = if n > 0.0 { (n_0 / n).min(1.0) } else { 0.0 };
    let mut cells = Vec::new();
    for history in of_reach() {
        let rows = history.rows(revision);
        let mut spans = vec![Span::default(); revision.arms()];
        for row in &rows {
            if let Some(span) = spans.get_mut(row.arm) {
                span.add(row, kept(history.age_ms(row), revision.half_life_ms));
            }
        }
        cells.extend(rows.into_iter().map(|row| {
            let age_ms = clock_ms.saturating_sub(row.middle_ms) as f64;
            let scale = spans.get(row.arm).map_or(0.0, Span::scale);
            Cell {
                arm: row.arm,
                sums: row.sums,
                kept: omega * scale * row.weight * kept(age_ms, revision.half_life_ms),
                share: 1.0,
            }
        }));
    }
    cells
}

/// Moves what a model predicts of all arms by the same amount: from what the experiment's own sums say of everybody to what
/// they say together with the history of a single arm.
///
/// Which arm that was is not looked at. Where the model is empty (too little has been seen) it becomes one that predicts
/// and splits evenly.
pub(super) fn lift(
    model: &mut Model,
    weighed: &Weighed<'_>,
    revision: &Revision,
    histories: &[History<'_>],
    clock_ms: u64,
) {
    let past = discounted(revision, histories, Reach::Pooled, clock_ms);
    if past.is_empty() {
        return;
    }
    if revision.policy.kind == PolicyKind::Contextual {
        lift_weights(model, weighed, &past, revision.arms());
    } else {
        lift_means(model, weighed, &past, revision);
    }
    if model.variances_micros.is_empty() {
        let (mut n, mut r, mut rr) = (1.0, 0.5, 0.5);
        for cell in &past {
            n += cell.n();
            r += cell.r();
            rr += cell.rr();
        }
        model.variances_micros = vec![variance_micros(rr / n - (r / n) * (r / n)); revision.arms()];
    }
}

fn lift_weights(model: &mut Model, weighed: &Weighed<'_>, past: &[Cell<'_>], arms: usize) {
    // The model's own slots first: it may not lose one to history.
    let own = model.slots.clone();
    let mut slots = own.clone();
    let mut more: BTreeMap<u32, f64> = BTreeMap::new();
    for cell in past {
        cell.sums.for_each_square(|slot, square| {
            if !own.contains(&slot) {
                *more.entry(slot).or_default() += square as f64 * cell.kept;
            }
        });
    }
    more.insert(0, f64::INFINITY);
    let mut more: Vec<(u32, f64)> = more.into_iter().filter(|(slot, _)| !own.contains(slot)).collect();
    more.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    more.truncate(MAX_MODEL_SLOTS.saturating_sub(own.len()));
    slots.extend(more.into_iter().map(|(slot, _)| slot));
    slots.sort_unstable();

    let mut pooled = Pooled::new(&slots);
    for cell in weighed.cells() {
        pooled.add(cell);
    }
    let alone = pooled.solve();
    for cell in past {
        pooled.add(cell);
    }
    let shift: Vec<f64> = pooled.solve().iter().zip(&alone).map(|(t, a)| t - a).collect();

    let (mut theta, mut precision) = (Vec::new(), Vec::new());
    for arm in 0..arms {
        for (slot, shift) in slots.iter().zip(&shift) {
            let place = own.binary_search(slot).ok().map(|i| arm * own.len() + i);
            let of = |list: &[f32]| place.and_then(|i| list.get(i)).copied();
            theta.push((f64::from(of(&model.theta).unwrap_or(0.0)) + shift) as f32);
            // As the edge takes a slot that it does not know, so that nobody's optimism changes.
            precision.push(of(&model.precision).unwrap_or(PRIOR_PRECISION as f32));
        }
    }
    model.slots = slots;
    model.theta = theta;
    model.precision = precision;
}

fn lift_means(model: &mut Model, weighed: &Weighed<'_>, past: &[Cell<'_>], revision: &Revision) {
    let own = slot_sums(weighed.cells());
    let together = slot_sums(weighed.cells().iter().chain(past));
    let mean =
        |sums: &BTreeMap<u32, (f64, f64)>, slot: u32| sums.get(&slot).map(|(n, r)| (r + 0.5) / (n + 1.0));
    let base = mean(&own, 0).unwrap_or(0.5);
    let shift = |slot: u32| mean(&together, slot).unwrap_or(base) - mean(&own, slot).unwrap_or(base);
    if model.segments.is_empty() {
        model.segments.push(Segment {
            slot: 0,
            probabilities_q30: Vec::new(),
            means_micros: vec![micros(base); revision.arms()],
        });
    }
    let everybody = model.segment(0).cloned().unwrap_or_default();
    let known: Vec<u32> = model.segments.iter().map(|row| row.slot).collect();
    for row in &mut model.segments {
        let shift = shift(row.slot);
        for mean in &mut row.means_micros {
            *mean = micros(f64::from(*mean) / 1e6 + shift);
        }
    }
    if revision.policy.kind == PolicyKind::Fixed {
        // One row serves everybody.
        return;
    }
    let room = MAX_ROWS.saturating_sub(known.len());
    let unknown = together.keys().filter(|slot| !known.contains(slot)).take(room);
    for &slot in unknown {
        // Served as everybody is, and predicted as its own.
        let mut row = Segment {
            slot,
            ..everybody.clone()
        };
        let shift = mean(&together, slot).unwrap_or(base) - base;
        for mean in &mut row.means_micros {
            *mean = micros(f64::from(*mean) / 1e6 + shift);
        }
        model.segments.push(row);
    }
    model.segments.sort_by_key(|row| row.slot);
}

/// Rows at most that history brings a table to.
const MAX_ROWS: usize = 1_024;

fn micros(mean: f64) -> u32 {
    libm::round(mean.clamp(0.0, 1.0) * 1e6) as u32
}

/// By slot, over all arms: effective exposures and rewards.
pub(super) fn slot_sums<'a, 'b: 'a>(
    cells: impl IntoIterator<Item = &'a Cell<'b>>,
) -> BTreeMap<u32, (f64, f64)> {
    let mut slots: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for cell in cells {
        cell.sums.for_each_square(|slot, square| {
            slots.entry(slot).or_default().0 += square as f64 / SQUARE_ONE * cell.kept * cell.share;
        });
        cell.sums.for_each_b(|slot, sum| {
            slots.entry(slot).or_default().1 += sum as f64 / REWARD_ONE * cell.kept;
        });
    }
    slots
}

/// What all arms have in common: one ridge regression over the sum of theirs.
struct Pooled<'a> {
    slots: &'a [u32],
    a: Vec<f64>,
    b: Vec<f64>,
}

impl<'a> Pooled<'a> {
    /// The ridge is that of every arm's own start: one visitor's worth, a tenth at the bias.
    fn new(slots: &'a [u32]) -> Self {
        let mut a = vec![0.0; slots.len() * (slots.len() + 1) / 2];
        for i in 0..slots.len() {
            if let Some(value) = a.get_mut(at(i, i)) {
                *value = if i == 0 { 0.1 } else { 1.0 };
            }
        }
        Self {
            slots,
            a,
            b: vec![0.0; slots.len()],
        }
    }

    fn add(&mut self, cell: &Cell<'_>) {
        let slots = self.slots;
        let position = |slot: u32| slots.binary_search(&slot).ok();
        let scale = cell.kept * cell.share / SQUARE_ONE;
        cell.sums.add_scaled_pairs(position, scale, |high, low, value| {
            if let Some(sum) = self.a.get_mut(at(high, low)) {
                *sum += value;
            }
        });
        cell.sums.for_each_b(|slot, value| {
            if let Some(sum) = position(slot).and_then(|i| self.b.get_mut(i)) {
                *sum += value as f64 / REWARD_ONE * cell.kept;
            }
        });
    }

    fn solve(&self) -> Vec<f64> {
        Factor::of(self.a.clone()).solve(&self.b)
    }
}
