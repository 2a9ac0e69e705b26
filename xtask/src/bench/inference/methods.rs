//! The methods, each looking at every bucket end, and what is remembered of them.

use tiltwise_core::infer::rule::{Pair, TIGHTEST_V};
use tiltwise_core::infer::split::ArmSums;
use tiltwise_core::infer::stabilised::{self, ContrastSums};
use tiltwise_core::infer::totals::{POLICY, Totals};
use tiltwise_core::infer::{Interval, TIGHTEST_AT, Verdict, betting, mixture, sequential};

use super::settings::Setting;

pub const ALPHA: f64 = 0.05;
/// The first look: earlier there is nothing to look at.
const FIRST: usize = 100;
/// Bins of a plot over the visitors of a setting.
pub const BINS: usize = 100;

/// What one method did, added up over experiments.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub method: &'static str,
    pub is_reference: bool,
    pub has_effect: bool,
    /// There is nothing to be certain of: only whether its interval holds the truth.
    pub is_interval: bool,
    /// Experiments that first crossed in this hundredth of their visitors.
    pub crossed_in: Vec<u32>,
    /// Experiments in which the interval ever left out the truth; nothing where there is no interval.
    pub missed: Option<u32>,
    pub width: f64,
    pub widths: u32,
}

impl Tracked {
    pub fn new(method: &'static str, is_reference: bool, has_effect: bool) -> Self {
        Self {
            method,
            is_reference,
            has_effect,
            is_interval: false,
            crossed_in: vec![0; BINS],
            missed: None,
            width: 0.0,
            widths: 0,
        }
    }

    pub fn crossed(&self) -> u32 {
        self.crossed_in.iter().sum()
    }

    pub fn cross_at(&mut self, visitor: usize, of: usize) {
        if let Some(bin) = self
            .crossed_in
            .get_mut((visitor * BINS / of.max(1)).min(BINS - 1))
        {
            *bin += 1;
        }
    }

    pub fn add_all(sums: &mut Vec<Self>, more: Vec<Self>) {
        if sums.is_empty() {
            *sums = more;
            return;
        }
        for (sum, one) in sums.iter_mut().zip(more) {
            sum.crossed_in
                .iter_mut()
                .zip(&one.crossed_in)
                .for_each(|(a, b)| *a += b);
            sum.missed = match (sum.missed, one.missed) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
            sum.width += one.width;
            sum.widths += one.widths;
        }
    }
}

/// One method in one experiment.
#[derive(Default)]
pub struct One {
    crossed_at: Option<usize>,
    missed: Option<bool>,
    last: Option<Interval>,
}

impl One {
    fn look(&mut self, visitor: usize, is_crossed: bool) {
        if is_crossed && self.crossed_at.is_none() {
            self.crossed_at = Some(visitor);
        }
    }

    fn cover(&mut self, is_covered: bool) {
        *self.missed.get_or_insert(false) |= !is_covered;
    }

    pub fn interval(&mut self, visitor: usize, interval: &Interval, truth: f64) {
        self.look(visitor, interval.is_decided());
        self.cover((interval.low..=interval.high).contains(&truth));
        self.last = Some(*interval);
    }

    /// An interval of which only matters whether it held the truth.
    pub fn covered(self, method: &'static str) -> Tracked {
        let mut tracked = Tracked::new(method, false, false);
        tracked.is_interval = true;
        tracked.missed = self.missed.map(u32::from);
        if let Some(interval) = self.last {
            (tracked.width, tracked.widths) = (interval.high - interval.low, 1);
        }
        tracked
    }
}

/// The methods that look at an experiment.
pub struct Looking<'a> {
    setting: &'a Setting,
    is_constant: bool,
    least_propensity: f64,
    /// The effect, and the sum of what the policy gained over the control so far.
    effect: f64,
    gained: f64,
    naive: One,
    sharp: One,
    expected: One,
    betting: One,
    answered: One,
    gain: One,
    sequential: One,
    /// Shares of the horizon and z-values at its twentieths.
    looks: (Vec<f64>, Vec<(f64, usize)>),
}

impl<'a> Looking<'a> {
    pub fn new(setting: &'a Setting, is_constant: bool, least_propensity: f64, effect: f64) -> Self {
        Self {
            setting,
            is_constant,
            least_propensity,
            effect,
            gained: 0.0,
            naive: One::default(),
            sharp: One::default(),
            expected: One::default(),
            betting: One::default(),
            answered: One::default(),
            gain: One::default(),
            sequential: One::default(),
            looks: (Vec::new(), Vec::new()),
        }
    }

    /// Looks at the matured prefix, of which the newest unit had this propensity of the control.
    pub fn look(&mut self, totals: &Totals, control_propensity: f64) {
        self.gained += (1.0 - control_propensity) * self.effect;
        let visitor = totals.units() as usize;
        if visitor < FIRST {
            return;
        }
        let contrast = totals.contrast(1);
        let pair = Pair {
            arm: totals.arm(1),
            control: totals.arm(0),
            contrast: &contrast,
            is_constant: self.is_constant,
            is_predicted: true,
            least_propensity: self.least_propensity,
        };
        self.naive
            .look(visitor, naive_z(&pair.arm, &pair.control).abs() > 1.959_963_985);
        let log_e = betting::log_e(&contrast);
        let is_sure = log_e >= -ALPHA.ln();
        self.betting.look(visitor, is_sure);
        self.betting.cover(betting::covers(
            &contrast,
            self.least_propensity,
            ALPHA,
            self.effect,
        ));
        if !pair.is_enough() {
            // As the rule has it: a fifth of α before a sequence takes over.
            self.answered.look(visitor, log_e >= -(ALPHA / 5.0).ln());
            return;
        }
        if let Some(answer) = pair.compare(ALPHA) {
            self.sharp.interval(visitor, &answer.interval, self.effect);
            self.answered.look(visitor, answer.verdict != Verdict::Open);
        }
        let sums = ContrastSums::from(&contrast);
        if self.is_constant {
            self.look_at_horizon(visitor, &pair);
        } else if sums.sum_h > 0.0 {
            let radius = mixture::radius(sums.n, mixture::rho2(TIGHTEST_AT, ALPHA), ALPHA) / sums.sum_h;
            let estimate = sums.sum_h_phi / sums.sum_h;
            let interval = Interval {
                estimate,
                low: estimate - radius,
                high: estimate + radius,
            };
            self.expected.interval(visitor, &interval, self.effect);
        }
        let whole = ContrastSums::from(&totals.contrast(0));
        let everyone = Pair {
            arm: totals.whole(POLICY),
            ..pair
        };
        if let (true, Some(gain)) = (
            everyone.is_enough(),
            stabilised::average(&whole, TIGHTEST_V, ALPHA),
        ) {
            self.gain
                .interval(visitor, &gain.interval, self.gained / visitor as f64);
        }
    }

    fn look_at_horizon(&mut self, visitor: usize, pair: &Pair<'_>) {
        let share = visitor as f64 / self.setting.visitors as f64;
        let step = (share * sequential::LOOKS as f64 + 1e-9).floor();
        let (shares, z_values) = &mut self.looks;
        let last = shares
            .last()
            .map_or(0.0, |last| (last * sequential::LOOKS as f64 + 1e-9).floor());
        if step > last {
            shares.push(share);
            z_values.push((naive_z(&pair.arm, &pair.control), visitor));
        }
    }

    /// What the methods made of the experiment, whose last sums these are.
    pub fn finish(mut self, totals: &Totals) -> Vec<Tracked> {
        let contrast = totals.contrast(1);
        self.betting.last = betting::interval(&contrast, self.least_propensity, ALPHA);
        let (shares, z_values) = &self.looks;
        // Every experiment of a setting looks at about the same shares, but not exactly: the bounds are its own.
        let bounds = sequential::bounds(shares, ALPHA);
        for (&(z, visitor), bound) in z_values.iter().zip(bounds) {
            self.sequential.look(visitor, z.abs() >= bound);
        }
        let has_effect = self.effect > 0.0;
        let of = self.setting.visitors;
        let tracked = |method, is_reference, one: One| {
            let mut tracked = Tracked::new(method, is_reference, has_effect);
            if let Some(visitor) = one.crossed_at {
                tracked.cross_at(visitor, of);
            }
            tracked.missed = one.missed.map(u32::from);
            if let Some(interval) = one.last {
                (tracked.width, tracked.widths) = (interval.high - interval.low, 1);
            }
            tracked
        };
        let mut all = vec![
            tracked(
                if self.is_constant {
                    "asymptotic confidence sequence"
                } else {
                    "variance-stabilised AIPW sequence"
                },
                false,
                self.sharp,
            ),
            tracked("betting e-process", false, self.betting),
            tracked("as answered (e-process, then sequence)", false, self.answered),
        ];
        if self.is_constant {
            all.push(tracked("group-sequential test, 20 looks", false, self.sequential));
        } else {
            all.push(tracked(
                "gain over showing everyone the control",
                false,
                self.gain,
            ));
            all.push(tracked("stabilised, variance as expected", true, self.expected));
        }
        all.push(tracked("naive t-test", true, self.naive));
        all
    }
}

fn naive_z(arm: &ArmSums, control: &ArmSums) -> f64 {
    let error = (arm.variance() / arm.n.max(1.0) + control.variance() / control.n.max(1.0)).sqrt();
    if error > 0.0 {
        (arm.mean() - control.mean()) / error
    } else {
        0.0
    }
}
