//! Off-policy values: whether their intervals hold the truth at every look, while the policy that chose was learning.

use tiltwise_core::infer::value::{Estimate, value};

use super::methods::{ALPHA, One, Tracked};
use super::settings::Setting;
use super::world::{self, Simulated};

/// Looks of an experiment: each reads every bucket there is.
const LOOKS: usize = 20;
/// What is asked: everybody sees the second arm, and an even split.
const SECOND: [f64; 2] = [0.0, 1.0];
const EVEN: [f64; 2] = [0.5, 0.5];

/// The values of one experiment.
pub struct Values<'a> {
    setting: &'a Setting,
    every: usize,
    /// By unit, the sum up to it of what each arm is worth.
    truth: Vec<[f64; 2]>,
    seen: [(&'static str, One); 5],
}

impl<'a> Values<'a> {
    pub fn new(setting: &'a Setting) -> Self {
        Self {
            setting,
            every: (setting.visitors / LOOKS).max(1),
            truth: vec![[0.0; 2]],
            seen: [
                "value of the second arm, IPS",
                "value of the second arm, SNIPS",
                "value of the second arm, doubly robust",
                "value of an even split, IPS",
                "value of an even split, SNIPS",
            ]
            .map(|method| (method, One::default())),
        }
    }

    /// After a visitor, at this clock.
    pub fn look(&mut self, world: &Simulated, visitor: usize, now_ms: u64) {
        let before = self.truth.last().copied().unwrap_or_default();
        let worth = world::worth_of_arms(self.setting, visitor);
        self.truth.push([before[0] + worth[0], before[1] + worth[1]]);
        if !(visitor + 1).is_multiple_of(self.every) {
            return;
        }
        let of = |shares| value(world.revision(), &[world.source()], now_ms, 0, shares, ALPHA);
        let (Some(second), Some(even)) = (of(&SECOND), of(&EVEN)) else {
            return;
        };
        let Some(truth) = self.truth.get(second.units as usize) else {
            return;
        };
        let truth = truth.map(|sum| sum / second.units);
        let of_even = 0.5 * (truth[0] + truth[1]);
        let looks: [Option<(Estimate, f64)>; 5] = [
            Some((second.ips, truth[1])),
            Some((second.snips, truth[1])),
            second.doubly_robust.map(|estimate| (estimate, truth[1])),
            Some((even.ips, of_even)),
            Some((even.snips, of_even)),
        ];
        for ((_, one), look) in self.seen.iter_mut().zip(looks) {
            if let Some((estimate, truth)) = look {
                one.interval(visitor, &estimate.interval, truth);
            }
        }
    }

    pub fn tracked(self) -> Vec<Tracked> {
        self.seen
            .into_iter()
            .map(|(method, one)| one.covered(method))
            .collect()
    }
}
