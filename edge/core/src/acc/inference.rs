//! Inference buckets: what the honest answer at the end needs, in buckets of a fixed width that are kept for good.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::arm;
use super::score::{LOGS, Score, Shown, Side, score, whole};
use crate::event::{DEFAULT_PREDICTION_MICROS, DEFAULT_VARIANCE_MICROS, Exposure};
use crate::join::reward::Worth;
use crate::propensity::ONE_Q30;
use crate::revision::{MAX_ARMS, Metric, Revision};
use crate::time::bucket_start;

pub use super::arm::ArmCell;

/// Policy, and comparison group.
pub const CELLS: usize = 2;

/// The comparison of one arm with the control, by one metric in one cell, over units for which both were possible; at the
/// control's own place the whole split against everybody seeing the control, over units for which the control was possible.
///
/// The bets are on phi, and for a guardrail on phi less the increase that it allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContrastCell {
    pub n: i64,
    pub sum_phi_micros: i64,
    pub sum_phi_phi: i128,
    pub sum_h_phi_micros: i64,
    pub sum_h_micros: i64,
    pub log_bets_q32: [i64; LOGS],
    /// The square of h * phi: what it should be if the deciding models knew the variances is n.
    pub sum_h_phi_squared: i128,
    /// The variances that the deciding models expected of phi.
    pub sum_v_micros: i64,
}

/// One bucket: entries by (metric, cell, arm).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    pub arms: Vec<ArmCell>,
    pub contrasts: Vec<ContrastCell>,
}

#[derive(Clone, Debug)]
pub struct Inference {
    arms: usize,
    metrics: usize,
    control: usize,
    bucket_ms: u64,
    /// For each metric the increase that is allowed before a bet on it wins: 0 where it is no guardrail.
    margins_micros: Vec<u32>,
    buckets: BTreeMap<u64, Bucket>,
}

impl Inference {
    pub fn new(revision: &Revision) -> Self {
        Self {
            arms: revision.arms(),
            metrics: revision.metrics.len(),
            control: revision.control as usize,
            bucket_ms: revision.bucket_ms,
            margins_micros: revision.metrics.iter().map(Metric::margin_micros).collect(),
            buckets: BTreeMap::new(),
        }
    }

    /// That counts nothing.
    pub(super) fn none(revision: &Revision) -> Self {
        Self {
            metrics: 0,
            ..Self::new(revision)
        }
    }

    pub fn arms(&self) -> usize {
        self.arms
    }

    pub fn metrics(&self) -> usize {
        self.metrics
    }

    pub fn bucket_ms(&self) -> u64 {
        self.bucket_ms
    }

    /// Buckets by their start.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, &Bucket)> {
        self.buckets_since(0)
    }

    /// Those that start at this time or later.
    pub fn buckets_since(&self, since_ms: u64) -> impl Iterator<Item = (u64, &Bucket)> {
        self.buckets
            .range(since_ms..)
            .map(|(&start, bucket)| (start, bucket))
    }

    /// The bucket that starts at this time.
    pub fn bucket(&self, start_ms: u64) -> Option<&Bucket> {
        self.buckets.get(&start_ms)
    }

    /// Where a bucket holds the sums of a metric, cell and arm.
    pub fn place(&self, metric: usize, cell: usize, arm: usize) -> usize {
        (metric * CELLS + cell) * self.arms + arm
    }

    /// The metric and the arm of an entry of a bucket.
    pub fn metric_and_arm(&self, place: usize) -> (u32, u32) {
        let arms = self.arms.max(1);
        ((place / arms / CELLS) as u32, (place % arms) as u32)
    }

    /// Of the optimised metric the units and propensities alone.
    pub(super) fn shown_only(&self) -> Self {
        let of_first = CELLS * self.arms;
        let buckets = self.buckets.iter().map(|(&start, from)| {
            let mut bucket = Bucket::new(from.arms.len());
            let pairs = bucket.arms.iter_mut().zip(&from.arms).take(of_first);
            for (into, cell) in pairs {
                into.n = cell.n;
                into.sum_p_q30 = cell.sum_p_q30;
            }
            (start, bucket)
        });
        Self {
            margins_micros: self.margins_micros.clone(),
            buckets: buckets.collect(),
            ..*self
        }
    }

    pub(super) fn change(
        &mut self,
        x: &Exposure,
        decided_at_ms: u64,
        was: Option<&Worth>,
        now: Option<&Worth>,
    ) {
        if self.metrics == 0 {
            return;
        }
        let cell = usize::from(x.in_comparison_group());
        let (metrics, control, first) = (self.metrics, self.control, self.arms * CELLS);
        let base = self.place(0, cell, 0);
        // Two kinds of sides: of the metric that is predicted, and of the others.
        let (predicted, unpredicted) = (Sides::of(x, 0), Sides::of(x, 1));
        let entries = metrics * first;
        let bucket = self
            .buckets
            .entry(bucket_start(decided_at_ms, self.bucket_ms))
            .or_insert_with(|| Bucket::new(entries));
        for (metric, &margin_micros) in self.margins_micros.iter().enumerate().take(metrics) {
            let margin = f64::from(margin_micros) / 1e6;
            let reward = |worth: Option<&Worth>| worth.map(|w| w.reward(metric));
            let (was, now) = (reward(was), reward(now));
            if was == now {
                continue;
            }
            let place = base + metric * first;
            if let Some(arms) = bucket.arms.get_mut(place..) {
                arm::change(arms, x, metric, was, now);
            }
            if let Some(contrasts) = bucket.contrasts.get_mut(place..) {
                let question = Question {
                    sides: if metric == 0 { &predicted } else { &unpredicted },
                    shown: x.arm as usize,
                    control,
                    margin,
                };
                change_contrasts(contrasts, question, was, now);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&start, theirs) in &other.buckets {
            let mine = self.bucket_mut(start);
            mine.arms
                .iter_mut()
                .zip(&theirs.arms)
                .for_each(|(mine, theirs)| mine.add(theirs));
            mine.contrasts
                .iter_mut()
                .zip(&theirs.contrasts)
                .for_each(|(mine, theirs)| mine.add(theirs));
        }
    }

    pub(super) fn drop_zeros(&mut self) {
        self.buckets.retain(|_, bucket| {
            bucket.arms.iter().any(|arm| !arm.is_zero()) || bucket.contrasts.iter().any(|c| !c.is_zero())
        });
    }

    pub(super) fn bucket_mut(&mut self, start_ms: u64) -> &mut Bucket {
        let entries = self.metrics * CELLS * self.arms;
        self.buckets
            .entry(start_ms)
            .or_insert_with(|| Bucket::new(entries))
    }
}

impl Bucket {
    fn new(entries: usize) -> Self {
        Self {
            arms: vec![ArmCell::default(); entries],
            contrasts: vec![ContrastCell::default(); entries],
        }
    }
}

impl ContrastCell {
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        self.n = self.n.wrapping_add(other.n);
        self.sum_phi_micros = self.sum_phi_micros.wrapping_add(other.sum_phi_micros);
        self.sum_phi_phi = self.sum_phi_phi.wrapping_add(other.sum_phi_phi);
        self.sum_h_phi_micros = self.sum_h_phi_micros.wrapping_add(other.sum_h_phi_micros);
        self.sum_h_micros = self.sum_h_micros.wrapping_add(other.sum_h_micros);
        for (mine, theirs) in self.log_bets_q32.iter_mut().zip(&other.log_bets_q32) {
            *mine = mine.wrapping_add(*theirs);
        }
        self.sum_h_phi_squared = self.sum_h_phi_squared.wrapping_add(other.sum_h_phi_squared);
        self.sum_v_micros = self.sum_v_micros.wrapping_add(other.sum_v_micros);
    }

    fn add_score(&mut self, score: &Score, sign: i64) {
        let phi = i128::from(score.phi_micros);
        self.sum_phi_micros = self.sum_phi_micros.wrapping_add(sign * score.phi_micros);
        self.sum_phi_phi = self.sum_phi_phi.wrapping_add(i128::from(sign) * phi * phi);
        self.sum_h_phi_micros = self.sum_h_phi_micros.wrapping_add(sign * score.h_phi_micros);
        self.sum_h_micros = self.sum_h_micros.wrapping_add(sign * score.h_micros);
        for (sum, log) in self.log_bets_q32.iter_mut().zip(&score.logs_q32) {
            *sum = sum.wrapping_add(sign * log);
        }
        let h_phi = i128::from(score.h_phi_micros);
        self.sum_h_phi_squared = self
            .sum_h_phi_squared
            .wrapping_add(i128::from(sign) * h_phi * h_phi);
        self.sum_v_micros = self.sum_v_micros.wrapping_add(sign * score.v_micros);
    }
}

/// The arms as the deciding model saw them; nothing where one was impossible.
struct Sides {
    arms: usize,
    sides: [Option<Side>; MAX_ARMS],
}

impl Sides {
    /// Only the optimised metric has predictions.
    fn of(x: &Exposure, metric: usize) -> Self {
        let (predictions, variances): (&[u32], &[u32]) = if metric == 0 {
            (&x.predictions_micros, &x.variances_micros)
        } else {
            (&[], &[])
        };
        let mut sides = [None; MAX_ARMS];
        for (arm, (side, &p)) in sides.iter_mut().zip(&x.propensities_q30).enumerate() {
            let of = |list: &[u32], default| f64::from(list.get(arm).copied().unwrap_or(default)) / 1e6;
            *side = (p > 0).then(|| Side {
                propensity: f64::from(p) / f64::from(ONE_Q30),
                prediction: of(predictions, DEFAULT_PREDICTION_MICROS),
                variance: of(variances, DEFAULT_VARIANCE_MICROS),
            });
        }
        Self {
            arms: x.propensities_q30.len(),
            sides,
        }
    }

    fn get(&self, arm: usize) -> Option<Side> {
        self.sides.get(arm).copied().flatten()
    }

    /// Those that were possible, with their places.
    fn possible(&self) -> impl Iterator<Item = (usize, Side)> {
        let all = self.sides.iter().take(self.arms).enumerate();
        all.filter_map(|(arm, side)| side.map(|side| (arm, side)))
    }
}

/// What the entries of one metric are about.
#[derive(Clone, Copy)]
struct Question<'a> {
    sides: &'a Sides,
    shown: usize,
    control: usize,
    margin: f64,
}

fn change_contrasts(
    contrasts: &mut [ContrastCell],
    question: Question<'_>,
    was: Option<u32>,
    now: Option<u32>,
) {
    let count = i64::from(now.is_some()) - i64::from(was.is_some());
    let Question {
        sides,
        shown: shown_arm,
        control,
        margin,
    } = question;
    let Some(base) = sides.get(control) else {
        return;
    };
    for (k, arm) in sides.possible() {
        let Some(sums) = contrasts.get_mut(k) else { break };
        let shown = match shown_arm {
            shown if shown == k => Shown::Arm,
            shown if shown == control => Shown::Control,
            _ => Shown::Another,
        };
        sums.n = sums.n.wrapping_add(count);
        // Where neither arm was shown, the reward plays no part; in the whole it always does.
        if count == 0 && shown == Shown::Another && k != control {
            continue;
        }
        for (reward, sign) in [(was, -1), (now, 1)] {
            let Some(micros) = reward else { continue };
            let reward = f64::from(micros) / 1e6;
            let score = if k == control {
                whole(sides.possible(), base, control, shown_arm, reward, margin)
            } else {
                score(arm, base, shown, reward, margin)
            };
            sums.add_score(&score, sign);
        }
    }
}
