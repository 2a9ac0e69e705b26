//! Drift: whether what visitors do has changed, so that models say what was true before.
//!
//! In each bucket the rewards of the units that were shown an arm are held against what had been predicted of them. The
//! hypothesis is that nothing has changed: the mean reward is within a tolerance of the mean prediction. A gambler who holds
//! that it is e^λ times as likely as the hypothesis allows multiplies his stake by
//!
//! L = exp(λ Σr) / (1 + (e^λ − 1) m)^n, with m = (1 ± tolerance) Σm̂/n,
//!
//! which is at most 1 on average: for 0 ≤ r ≤ 1 the convexity of the exponential gives E exp(λr) ≤ 1 + (e^λ − 1) E r, and the
//! concavity of the logarithm lets the mean of the predictions stand for each. So n, Σr and Σm̂ are enough, nothing is
//! approximated, and nothing is lost where a bucket predicts all its units alike.
//!
//! Such bets are laid on all units together, on those of each arm, and (where there are few arms) on two arms at once, of
//! which one brings less and the other more: what happens when the best one changes.
//!
//! Nobody knows when a change comes, so a new stake is laid in every bucket: M ← (M + 1) L (Shiryaev and Roberts; as an
//! e-detector: Shin, Ramdas and Rinaldo, arXiv 2203.03532). A weighed mean of such sums over bets and tilts is one as well, and
//! an alert that is given when it reaches A comes, while nothing has changed, after A buckets on average or later; within n
//! buckets the probability of one is n/A at most. A is [`RUN_MS`] of buckets: a false alert a year.
//!
//! The tolerance is what makes the hypothesis true of a learner at work: [`TOLERANCE`], for what no model gets right (the time
//! of day, outcomes that are late), and [`DEVIATIONS`] times what models cannot know yet, 1/√conversions.

use alloc::{vec, vec::Vec};

use super::predicted::{Predicted, Step, steps_since};
use super::rule::ENOUGH_CONVERSIONS;
use crate::fit::Source;
use crate::revision::Revision;
use crate::time::bucket_start;

/// The run length between false alerts.
pub const RUN_MS: u64 = 365 * DAY_MS;
/// Changes of the mean by less are followed by forgetting, and nobody is told. At .15 the best variant and the worst changing
/// places was seen an hour later in three days of twenty (`cargo xtask bench drift`), at .1 never; and rates that swing by a
/// tenth with the day still are no news.
pub const TOLERANCE: f64 = 0.1;
/// Contextual policies choose what looks best, which chance has made look better than it is: three deviations of a mean,
/// where one arm in one context would need two.
pub const DEVIATIONS: f64 = 3.0;
/// An alert stands so long after the change was last seen.
pub const STANDS_MS: u64 = DAY_MS;
/// What is seen again within so long is the same change.
const SAME_MS: u64 = 3_600_000;
/// Buckets that are looked back at, at least: two days of minutes.
const LOOKED_BACK: u64 = 2_880;
const DAY_MS: u64 = 86_400_000;
/// How many times as likely a reward is held to be, and the inverse of it.
const TILTS: [f64; 6] = [1.12, 1.25, 1.5, 2.0, 3.0, 6.0];
/// Two arms at once are bet on where there are at most so many: pairs grow with the square.
const PAIRED_ARMS: usize = 8;

/// The logarithm of a bet's outcome in one bucket is at most this: beyond, nothing is surer.
const MOST_LOG: f64 = 300.0;

/// What visitors do has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What is surest: one part, or one arm that brings less and then one that brings more.
    pub parts: Vec<Part>,
    /// When it began, by estimate; the clock at which it could be said; and at which it was last seen.
    pub since_ms: u64,
    pub seen_ms: u64,
    pub last_ms: u64,
}

/// Units that bring more or less than was predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Nothing where it is all of them together.
    pub arm: Option<usize>,
    pub is_more: bool,
    /// What came since it began and had been predicted, until it was seen.
    pub predicted: Predicted,
}

impl Alert {
    pub fn stands(&self, clock_ms: u64) -> bool {
        clock_ms < self.last_ms.saturating_add(STANDS_MS)
    }
}

/// How long after a bucket's end it is read: when its window has closed, and a little later. What is later still (up to the
/// lateness) is little, and within the tolerance.
pub fn waits_ms(revision: &Revision, lateness_ms: u64) -> u64 {
    let window_ms = revision.metric().window_ms;
    window_ms.saturating_add(lateness_ms.min((window_ms / 16).max(60_000)))
}

/// The alerts of the optimised metric up to this clock, the oldest first; of those that are long past none is told.
pub fn drift(today: &Revision, sources: &[Source<'_>], clock_ms: u64, lateness_ms: u64) -> Vec<Alert> {
    let width_ms = sources
        .iter()
        .map(|source| source.sums.inference.bucket_ms())
        .fold(1, u64::max);
    // Whole eras, so that it does not depend on the moment how far is looked back.
    let era_ms = LOOKED_BACK.saturating_mul(width_ms);
    let from_ms = bucket_start(clock_ms, era_ms).saturating_sub(era_ms);
    let waits_ms = waits_ms(today, lateness_ms);
    let mut detector = Detector::new(today, waits_ms, RUN_MS as f64 / width_ms as f64);
    let closed = steps_since(today, sources, from_ms)
        .into_iter()
        .filter(|step| step.end_ms.saturating_add(waits_ms) <= clock_ms);
    for step in closed {
        detector.take(step);
    }
    detector.alerts
}

/// Bets on subjects: 0 is all units together, 1 + arm those of an arm.
struct Detector {
    waits_ms: u64,
    half_life_ms: u64,
    threshold: f64,
    steps: Vec<Step>,
    /// So many steps the models of the present one can have seen whole; what they brought, by subject, decayed.
    learned: usize,
    learned_ms: u64,
    known: Vec<Predicted>,
    gamblers: Vec<Gambler>,
    alerts: Vec<Alert>,
}

/// Who bets on one subject or on two, by one tilt. Plain numbers: a bucket multiplies them by e^±600 at most, and an alert is
/// given, and all begins anew, long before they could overflow twice.
#[derive(Clone, Copy)]
struct Gambler {
    /// Places of their factors in a bucket.
    on: [Option<usize>; 2],
    weight: f64,
    /// The sum over all beginnings; the best of them, and which it is.
    sum: f64,
    best: f64,
    since: usize,
}

impl Detector {
    fn new(today: &Revision, waits_ms: u64, threshold: f64) -> Self {
        let arms = today.arms();
        Self {
            waits_ms,
            half_life_ms: today.half_life_ms,
            threshold,
            steps: Vec::new(),
            learned: 0,
            learned_ms: 0,
            known: vec![Predicted::default(); 1 + arms],
            gamblers: gamblers(arms),
            alerts: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        self.learn(step.start_ms);
        let now = self.steps.len();
        let factors: Vec<Option<f64>> = self
            .known
            .iter()
            .enumerate()
            .flat_map(|(subject, known)| factors(step.subject(subject), known))
            .collect();
        for gambler in &mut self.gamblers {
            gambler.bet(&factors, now);
        }
        let end_ms = step.end_ms;
        self.steps.push(step);
        let evidence: f64 = self.gamblers.iter().map(Gambler::evidence).sum();
        if evidence >= self.threshold {
            self.alert(end_ms.saturating_add(self.waits_ms));
        }
    }

    /// Adds the steps that the models of units from `until_ms` on can have seen whole.
    fn learn(&mut self, until_ms: u64) {
        while let Some(step) = self.steps.get(self.learned) {
            if step.end_ms.saturating_add(self.waits_ms) > until_ms {
                break;
            }
            let elapsed_ms = step.end_ms.saturating_sub(self.learned_ms);
            let kept = match self.half_life_ms {
                0 => 1.0,
                half_life_ms => libm::exp2(-(elapsed_ms as f64) / half_life_ms as f64),
            };
            for (subject, known) in self.known.iter_mut().enumerate() {
                let predicted = step.subject(subject);
                known.reward = known.reward * kept + predicted.reward;
                known.squares = known.squares * kept + predicted.squares;
            }
            self.learned_ms = step.end_ms;
            self.learned += 1;
        }
    }

    fn alert(&mut self, seen_ms: u64) {
        let by_evidence = |a: &&Gambler, b: &&Gambler| a.evidence().total_cmp(&b.evidence());
        let surest = self.gamblers.iter().max_by(by_evidence).copied();
        for gambler in &mut self.gamblers {
            (gambler.sum, gambler.best) = (0.0, 0.0);
        }
        let Some(surest) = surest else { return };
        let since = self.steps.get(surest.since..).unwrap_or_default();
        let since_ms = since.first().map_or(seen_ms, |step| step.start_ms);
        if let Some(last) = self.alerts.last_mut()
            && since_ms <= last.last_ms.saturating_sub(self.waits_ms).saturating_add(SAME_MS)
        {
            last.last_ms = seen_ms;
            return;
        }
        let part = |place: usize| {
            let (subject, is_more) = subject_of(place);
            let mut predicted = Predicted::default();
            for step in since {
                predicted.add(&step.subject(subject));
            }
            Part {
                arm: subject.checked_sub(1),
                is_more,
                predicted,
            }
        };
        self.alerts.push(Alert {
            parts: surest.on.into_iter().flatten().map(part).collect(),
            since_ms,
            seen_ms,
            last_ms: seen_ms,
        });
    }
}

impl Step {
    fn subject(&self, subject: usize) -> Predicted {
        match subject.checked_sub(1) {
            None => self.whole(),
            Some(arm) => self.arms.get(arm).copied().unwrap_or_default(),
        }
    }
}

/// Where the factor of a bet stands: by subject and tilt, "less" before "more".
fn place_of(subject: usize, tilt: usize, is_more: bool) -> usize {
    (subject * TILTS.len() + tilt) * 2 + usize::from(is_more)
}

fn subject_of(place: usize) -> (usize, bool) {
    (place / (2 * TILTS.len()), place % 2 == 1)
}

/// Equal shares on the whole, on the arms, and on pairs of them.
fn gamblers(arms: usize) -> Vec<Gambler> {
    let pairs = if arms <= PAIRED_ARMS {
        arms * (arms - arms.min(1))
    } else {
        0
    };
    let kinds = if pairs > 0 { 3.0 } else { 2.0 };
    let tilts = TILTS.len() as f64;
    let mut all = Vec::new();
    for tilt in 0..TILTS.len() {
        for subject in 0..=arms {
            let of = if subject == 0 { 1.0 } else { arms as f64 };
            for is_more in [false, true] {
                let on = [Some(place_of(subject, tilt, is_more)), None];
                all.push(Gambler::new(on, 1.0 / (kinds * of * tilts * 2.0)));
            }
        }
        for less in (1..=arms).filter(|_| pairs > 0) {
            for more in (1..=arms).filter(|&more| more != less) {
                let on = [place_of(less, tilt, false), place_of(more, tilt, true)].map(Some);
                all.push(Gambler::new(on, 1.0 / (kinds * pairs as f64 * tilts)));
            }
        }
    }
    all
}

/// What each tilt multiplies a stake on these units by, in the order of [`place_of`]; nothing where nothing is bet.
fn factors(predicted: Predicted, known: &Predicted) -> impl Iterator<Item = Option<f64>> + use<> {
    let tolerance = tolerance(known).filter(|_| predicted.units > 0.0);
    TILTS.iter().flat_map(move |&tilt| {
        [1.0 / tilt, tilt].map(|tilt| {
            let edge = 1.0 + tolerance? * if tilt > 1.0 { 1.0 } else { -1.0 };
            let mean = (edge * predicted.prediction / predicted.units).clamp(0.0, 1.0);
            let cost = predicted.units * libm::log1p((tilt - 1.0) * mean);
            let log = libm::log(tilt) * predicted.reward - cost;
            Some(libm::exp(log.clamp(-MOST_LOG, MOST_LOG)))
        })
    })
}

/// By how much the mean may differ from what is predicted where nothing has changed; nothing while too little is known.
fn tolerance(known: &Predicted) -> Option<f64> {
    let conversions = if known.squares > 0.0 {
        known.reward * known.reward / known.squares
    } else {
        0.0
    };
    (conversions >= ENOUGH_CONVERSIONS).then(|| TOLERANCE + DEVIATIONS / libm::sqrt(conversions))
}

impl Gambler {
    fn new(on: [Option<usize>; 2], weight: f64) -> Self {
        Self {
            on,
            weight,
            sum: 0.0,
            best: 0.0,
            since: 0,
        }
    }

    fn bet(&mut self, factors: &[Option<f64>], now: usize) {
        let [first, second] = self.on.map(|place| factors.get(place?).copied().flatten());
        if first.is_none() && second.is_none() {
            return;
        }
        let factor = first.unwrap_or(1.0) * second.unwrap_or(1.0);
        if self.best <= 1.0 {
            (self.best, self.since) = (1.0, now);
        }
        self.best *= factor;
        self.sum = (self.sum + 1.0) * factor;
    }

    fn evidence(&self) -> f64 {
        self.weight * self.sum
    }
}
