//! The declared truth: what the simulated visitors are like and what works for them.
//!
//! Read from a file that the collector never sees. With it, what was earned can be compared with what an even split would
//! have earned in expectation, and with the best that was possible.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use rand::{Rng, RngExt};
use serde::Deserialize;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::revision::Revision;

/// Everything that is declared about the visitors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    pub seed: u64,
    attributes: BTreeMap<String, Spread>,
    delay: Delay,
    pub experiment: Vec<Answer>,
}

/// How an attribute is spread over the visitors.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Spread {
    Shares(BTreeMap<String, f64>),
    Range([f64; 2]),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    seconds: [f64; 2],
}

/// The truth of one experiment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub key: String,
    /// The outcome that the experiment's metric counts.
    pub event: String,
    /// The attribute on which the best variant depends.
    pub segment: String,
    /// The amount that an outcome carries, where it carries one.
    pub value: Option<Amount>,
    /// Chance of an outcome by segment and variant.
    chance: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    range: [f64; 2],
    pub currency: String,
}

impl Truth {
    /// The truth of the demo.
    pub fn of_the_demo() -> Result<Self> {
        toml::from_str(include_str!("truth.toml")).context("the declared truth of the demo")
    }

    /// A visitor's attributes.
    pub fn context(&self, chance: &mut impl Rng) -> Context {
        let mut context = Context::new();
        for (name, spread) in &self.attributes {
            let value = match spread {
                Spread::Shares(shares) => ContextValue::Text(pick(shares, chance).to_owned()),
                // Whole cents, as a shop would say it.
                Spread::Range(range) => {
                    ContextValue::Number((within(*range, chance) * 100.0).round() / 100.0)
                }
            };
            context.set(name, value);
        }
        context
    }

    /// How long an outcome takes, in seconds.
    pub fn delay_s(&self, chance: &mut impl Rng) -> f64 {
        within(self.delay.seconds, chance)
    }
}

impl Answer {
    /// The segment a visitor is in.
    pub fn segment_of<'a>(&self, context: &'a Context) -> &'a str {
        match context.get(&self.segment) {
            Some(ContextValue::Text(text)) => text,
            _ => "",
        }
    }

    /// The chance of an outcome for every arm of the revision, in its order. After a drift each variant has the chance
    /// that the next one had.
    pub fn chances(&self, segment: &str, revision: &Revision, drifted: bool) -> Result<Vec<f64>> {
        let chances = self
            .chance
            .get(segment)
            .with_context(|| format!("{}: no truth for {segment}", self.key))?;
        ensure!(
            chances.len() == revision.arms(),
            "{}: the truth and the experiment file name different variants",
            self.key
        );
        let chance = |variant: &str| {
            chances
                .get(variant)
                .copied()
                .with_context(|| format!("{}: no truth for {variant}", self.key))
        };
        let mut chances: Vec<f64> = revision
            .variants
            .iter()
            .map(|v| chance(&v.key))
            .collect::<Result<_>>()?;
        if drifted {
            chances.rotate_left(1);
        }
        Ok(chances)
    }

    /// What an outcome is worth on average: its part of the metric's cap, or 1 where only the fact counts.
    pub fn worth(&self, revision: &Revision) -> f64 {
        match (&self.value, revision.metric().cap_micros) {
            (Some(amount), cap) if cap > 0 => {
                let [least, most] = amount.range;
                f64::midpoint(least, most) / (cap as f64 / 1e6)
            }
            _ => 1.0,
        }
    }

    /// An amount for one outcome; 0 where it carries none.
    pub fn amount(&self, chance: &mut impl Rng) -> f64 {
        self.value.as_ref().map_or(0.0, |amount| {
            (within(amount.range, chance) * 100.0).round() / 100.0
        })
    }

    /// Holds the declared truth against the experiment that the collector serves.
    pub fn check(&self, revision: &Revision) -> Result<()> {
        let metric = revision.metric();
        ensure!(
            metric.event == self.event,
            "{}: the metric counts {}, not {}",
            self.key,
            metric.event,
            self.event
        );
        if let Some(amount) = &self.value {
            let [_, most] = amount.range;
            let whole = metric.cap_micros as f64 / 1e6 >= most;
            ensure!(
                whole,
                "{}: an amount may exceed the metric's cap, so its mean is not what counts",
                self.key
            );
        }
        self.chance
            .keys()
            .try_for_each(|segment| self.chances(segment, revision, false).map(drop))
    }
}

fn pick<'a>(shares: &'a BTreeMap<String, f64>, chance: &mut impl Rng) -> &'a str {
    let mut left = chance.random::<f64>() * shares.values().sum::<f64>();
    let mut last = "";
    for (value, share) in shares {
        last = value;
        left -= share;
        if left < 0.0 {
            break;
        }
    }
    last
}

fn within([least, most]: [f64; 2], chance: &mut impl Rng) -> f64 {
    least + (most - least) * chance.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_best_variant_differs_by_segment_in_every_learning_experiment_of_the_demo() {
        for answer in &Truth::of_the_demo().unwrap().experiment {
            let best = |chances: &BTreeMap<String, f64>| {
                chances
                    .iter()
                    .max_by(|a, b| a.1.total_cmp(b.1))
                    .map(|(variant, _)| variant.clone())
            };
            let best: Vec<_> = answer.chance.values().map(best).collect();
            assert!(best.windows(2).any(|pair| pair[0] != pair[1]), "{}", answer.key);
        }
    }

    #[test]
    fn a_seed_gives_the_same_visitors_again() {
        let truth = Truth::of_the_demo().unwrap();
        let visitors = |seed| -> Vec<Context> {
            let mut chance = StdRng::seed_from_u64(seed);
            (0..50).map(|_| truth.context(&mut chance)).collect()
        };
        assert_eq!(visitors(1), visitors(1));
        assert_ne!(visitors(1), visitors(2));
    }
}
