//! The one entry: what an experiment's sums say, at this clock.

use alloc::{vec, vec::Vec};

use super::looks::Looks;
use super::ratio::{self, Shown};
use super::rule::{Answer, Method, Pair, Verdict};
use super::split::{self, ArmSums};
use super::totals::{COMPARISON, POLICY, Reading, Totals, fixed_weights, least_propensity};
use super::{TIGHTEST_AT, bernoulli, betting, many};
use crate::acc::inference::{Bucket, ContrastCell};
use crate::fit::Source;
use crate::propensity::ONE_Q30;
use crate::revision::{Revision, Role};

/// Everything that is said of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// One a metric of the revision.
    pub metrics: Vec<MetricResult>,
    pub allocation: Allocation,
    /// By the optimised metric, of the whole split: over everybody seeing the control, and over the comparison group's even
    /// split.
    pub gain_over_control: Option<Answer>,
    pub gain_over_even_split: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetricResult {
    /// Units whose window and lateness have passed, and the others.
    pub matured: f64,
    pub provisional: f64,
    /// By arm, matured and provisional.
    pub all: Vec<ArmSums>,
    /// By arm: the matured ones, or all while there is none.
    pub shown: Vec<ArmSums>,
    pub rates: Vec<Option<Answer>>,
    /// By arm; nothing at the control's place.
    pub contrasts: Vec<Option<Answer>>,
    /// By arm: certain still when all comparisons of the experiment are taken together.
    pub holds_among_all: Vec<bool>,
}

/// Whether units were shown arms as often as promised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allocation {
    pub units: f64,
    pub log_e: f64,
    pub is_breached: bool,
}

/// Reads the sums of all revisions of an experiment as those of today's.
///
/// `sources` are this experiment's only. A bucket is matured for a metric once the clock has passed its end, the metric's window
/// and the lateness.
pub fn evaluate(
    today: &Revision,
    sources: &[Source<'_>],
    clock_ms: u64,
    lateness_ms: u64,
    alpha: f64,
) -> Results {
    let readings: Vec<Reading> = sources.iter().map(|s| Reading::of(s.revision, today)).collect();
    let world = World {
        today,
        sources,
        readings,
        clock_ms,
        lateness_ms,
        alpha,
        horizon: Some(today.horizon_units)
            .filter(|&units| units > 0)
            .map(|units| units as f64),
    };
    let read: Vec<(MetricResult, Totals)> = (0..today.metrics.len())
        .map(|metric| world.metric(metric))
        .collect();
    let gains = read.first().map(|(result, totals)| {
        if result.matured > 0.0 {
            (
                world.gain_over_control(totals),
                world.gain_over_even_split(totals),
            )
        } else {
            (None, None)
        }
    });
    let (gain_over_control, gain_over_even_split) = gains.unwrap_or_default();
    let mut metrics: Vec<MetricResult> = read.into_iter().map(|(result, _)| result).collect();
    take_together(today, &mut metrics, alpha);
    Results {
        metrics,
        allocation: world.allocation(0),
        gain_over_control,
        gain_over_even_split,
    }
}

/// Whether units since a time were shown arms as often as promised, provisional ones too: an arm is known at once.
pub fn allocation(today: &Revision, sources: &[Source<'_>], since_ms: u64) -> Allocation {
    let world = World {
        today,
        sources,
        readings: sources.iter().map(|s| Reading::of(s.revision, today)).collect(),
        clock_ms: u64::MAX,
        lateness_ms: 0,
        alpha: ratio::ALPHA,
        horizon: None,
    };
    world.allocation(since_ms)
}

/// e-BH over all comparisons of the metrics that are not guardrails, which have their own α.
fn take_together(today: &Revision, metrics: &mut [MetricResult], alpha: f64) {
    let mut places = Vec::new();
    let mut logs = Vec::new();
    for (m, result) in metrics.iter().enumerate() {
        if today
            .metrics
            .get(m)
            .is_some_and(|metric| metric.role == Role::Guardrail)
            || result.matured <= 0.0
        {
            continue;
        }
        for (arm, answer) in result.contrasts.iter().enumerate() {
            if let Some(answer) = answer {
                places.push((m, arm));
                logs.push(answer.log_e);
            }
        }
    }
    for ((m, arm), found) in places.into_iter().zip(many::discoveries(&logs, alpha)) {
        if let Some(holds) = metrics
            .get_mut(m)
            .and_then(|result| result.holds_among_all.get_mut(arm))
        {
            *holds = found;
        }
    }
}

struct World<'a> {
    today: &'a Revision,
    sources: &'a [Source<'a>],
    readings: Vec<Reading>,
    clock_ms: u64,
    lateness_ms: u64,
    alpha: f64,
    horizon: Option<f64>,
}

impl World<'_> {
    /// Buckets of all sources that know the metric, by start; with the place of the metric, and whether they are matured.
    fn buckets(&self, metric: usize) -> Vec<Found<'_>> {
        let mut found = Vec::new();
        let window_ms = self.today.metrics.get(metric).map_or(0, |m| m.window_ms);
        for (source, reading) in self.sources.iter().zip(&self.readings) {
            let Some(place) = reading.metrics.get(metric).copied().flatten() else {
                continue;
            };
            let inference = &source.sums.inference;
            for (start_ms, bucket) in inference.buckets() {
                let waits = inference
                    .bucket_ms()
                    .saturating_add(window_ms)
                    .saturating_add(self.lateness_ms);
                found.push(Found {
                    start_ms,
                    source,
                    reading,
                    bucket,
                    place,
                    is_matured: start_ms.saturating_add(waits) <= self.clock_ms,
                });
            }
        }
        found.sort_by_key(|found| found.start_ms);
        found
    }

    fn metric(&self, metric: usize) -> (MetricResult, Totals) {
        let arms = self.today.arms();
        let control = self.today.control as usize;
        let buckets = self.buckets(metric);
        let mut matured = Totals::new(self.today);
        let mut looks = self.horizon.map(|horizon| Looks::new(horizon, arms));
        for found in buckets.iter().filter(|found| found.is_matured) {
            found.add_to(&mut matured);
            if let Some(looks) = &mut looks {
                looks.look(&matured, |arm| self.compare(metric, &matured, arm));
            }
        }
        let mut all = matured.clone();
        buckets
            .iter()
            .filter(|found| !found.is_matured)
            .for_each(|found| found.add_to(&mut all));
        let is_early = matured.units() <= 0.0;
        let shown = if is_early { &all } else { &matured };
        let by_arm = |totals: &Totals| (0..arms).map(|arm| totals.arm(arm)).collect::<Vec<_>>();
        let contrasts = (0..arms)
            .map(|arm| {
                let answer = self.compare(metric, shown, arm).filter(|_| arm != control)?;
                Some(match &looks {
                    _ if is_early => Answer {
                        verdict: Verdict::Open,
                        ..answer
                    },
                    Some(looks) => looks.answer(arm, answer, self.alpha),
                    None => answer,
                })
            })
            .collect();
        let result = MetricResult {
            matured: matured.units(),
            provisional: all.units() - matured.units(),
            all: by_arm(&all),
            rates: by_arm(shown).iter().map(|arm| self.rate(arm)).collect(),
            shown: by_arm(shown),
            contrasts,
            holds_among_all: vec![false; arms],
        };
        (result, matured)
    }

    fn rate(&self, arm: &ArmSums) -> Option<Answer> {
        let is_enough =
            arm.conversions() >= super::rule::ENOUGH_CONVERSIONS && arm.n >= super::rule::ENOUGH_UNITS;
        let (interval, method) = if is_enough {
            (split::rate(arm, TIGHTEST_AT, self.alpha), Method::Split)
        } else {
            (
                bernoulli::interval(arm.sum, arm.n, TIGHTEST_AT, self.alpha),
                Method::BetaBinomial,
            )
        };
        Some(Answer {
            interval: interval?,
            log_e: 0.0,
            method,
            alpha: self.alpha,
            verdict: Verdict::Open,
        })
    }

    fn compare(&self, metric: usize, totals: &Totals, arm: usize) -> Option<Answer> {
        let pair = Pair {
            arm: totals.arm(arm),
            control: totals.arm(self.today.control as usize),
            contrast: &totals.contrast(arm),
            is_constant: self.is_constant(totals),
            is_predicted: metric == 0,
            least_propensity: self.least_propensity(arm),
        };
        pair.compare(self.alpha)
    }

    /// One fixed split, in every revision and at every unit. The comparison group's is another, so there is none.
    fn is_constant(&self, totals: &Totals) -> bool {
        let weights = fixed_weights(self.today);
        weights.is_some_and(|weights| totals.is_drawn_from(weights)) && totals.whole(COMPARISON).n <= 0.0
    }

    fn least_propensity(&self, arm: usize) -> f64 {
        let key = self.today.variants.get(arm).map(|v| v.key.as_str());
        self.sources
            .iter()
            .filter_map(|source| {
                let place = source
                    .revision
                    .variants
                    .iter()
                    .position(|v| Some(v.key.as_str()) == key)?;
                Some(least_propensity(source.revision, place))
            })
            .fold(least_propensity(self.today, arm), f64::min)
    }

    fn gain_over_control(&self, totals: &Totals) -> Option<Answer> {
        let control = self.today.control as usize;
        let contrast = totals.contrast(control);
        let pair = Pair {
            arm: totals.whole(POLICY),
            control: totals.cell(POLICY, control),
            contrast: &contrast,
            is_constant: self.is_constant(totals),
            is_predicted: true,
            least_propensity: self.least_propensity(control),
        };
        pair.compare_whole(self.alpha)
    }

    /// φ = 1{policy} Y/(1−h) − 1{comparison} Y/h with h the share of the comparison group, which is drawn apart from
    /// everything else: a fixed split of two. Only of revisions with today's share.
    fn gain_over_even_split(&self, totals: &Totals) -> Option<Answer> {
        let share = f64::from(self.today.comparison_q30) / f64::from(ONE_Q30);
        let same = |source: &Source<'_>| source.revision.comparison_q30 == self.today.comparison_q30;
        if share <= 0.0 || share >= 1.0 || !self.sources.iter().all(same) {
            return None;
        }
        let (policy, comparison) = (totals.whole(POLICY), totals.whole(COMPARISON));
        let phi = policy.sum / (1.0 - share) - comparison.sum / share;
        let squares =
            policy.sum_squares / ((1.0 - share) * (1.0 - share)) + comparison.sum_squares / (share * share);
        let contrast = ContrastCell {
            n: (policy.n + comparison.n) as i64,
            sum_phi_micros: (phi * 1e6) as i64,
            sum_phi_phi: (squares * 1e12) as i128,
            ..ContrastCell::default()
        };
        let pair = Pair {
            arm: policy,
            control: comparison,
            contrast: &contrast,
            is_constant: true,
            is_predicted: false,
            least_propensity: share.min(1.0 - share),
        };
        if pair.is_enough() {
            return pair.compare(self.alpha);
        }
        let interval = betting::interval(&contrast, pair.least_propensity, self.alpha)?;
        Some(Answer {
            interval,
            log_e: 0.0,
            method: Method::Betting,
            alpha: self.alpha,
            verdict: Verdict::of(&interval),
        })
    }

    fn allocation(&self, since_ms: u64) -> Allocation {
        let mut totals = Totals::new(self.today);
        let mut shown: [Vec<Shown>; 2] = [Vec::new(), Vec::new()];
        for (source, reading) in self.sources.iter().zip(&self.readings) {
            let inference = &source.sums.inference;
            for (_, bucket) in inference.buckets().filter(|&(start_ms, _)| start_ms >= since_ms) {
                totals.add(inference, bucket, 0, reading);
                for (cell, shown) in shown.iter_mut().enumerate() {
                    shown.push(what_was_shown(
                        inference,
                        bucket,
                        cell,
                        reading,
                        self.today.arms(),
                    ));
                }
            }
        }
        let units = totals.units();
        let [policy, comparison] = &shown;
        let log_e = match fixed_weights(self.today).filter(|weights| totals.is_drawn_from(weights)) {
            Some(weights) => {
                let counts: Vec<f64> = (0..self.today.arms())
                    .map(|arm| totals.cell(POLICY, arm).n)
                    .collect();
                let shares: Vec<f64> = weights
                    .iter()
                    .map(|&w| f64::from(w) / f64::from(ONE_Q30))
                    .collect();
                ratio::fixed(&counts, &shares, ratio::CONCENTRATION)
            }
            None => ratio::changing(policy),
        };
        // The mean of two e-values is one.
        let log_e = if totals.whole(COMPARISON).n > 0.0 {
            super::log_mean_exp([log_e, ratio::changing(comparison)].into_iter())
        } else {
            log_e
        };
        Allocation {
            units,
            log_e,
            is_breached: log_e >= -libm::log(ratio::ALPHA),
        }
    }
}

struct Found<'a> {
    start_ms: u64,
    source: &'a Source<'a>,
    reading: &'a Reading,
    bucket: &'a Bucket,
    place: usize,
    is_matured: bool,
}

impl Found<'_> {
    fn add_to(&self, totals: &mut Totals) {
        totals.add(&self.source.sums.inference, self.bucket, self.place, self.reading);
    }
}

fn what_was_shown(
    inference: &crate::acc::Inference,
    bucket: &Bucket,
    cell: usize,
    reading: &Reading,
    arms: usize,
) -> Shown {
    let mut shown = Shown {
        units: 0.0,
        arms: vec![(0.0, 0.0); arms],
    };
    for (arm, place) in reading.places.iter().enumerate() {
        let Some(sums) = bucket.arms.get(inference.place(0, cell, arm)) else {
            continue;
        };
        shown.units += sums.n as f64;
        if let Some((n, sum_p)) = place.and_then(|place| shown.arms.get_mut(place)) {
            *n += sums.n as f64;
            *sum_p += sums.sum_p_q30 as f64 / f64::from(ONE_Q30);
        }
    }
    shown
}
