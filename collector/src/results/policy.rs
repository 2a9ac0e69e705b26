//! What other policies would have brought, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use tiltwise_core::fit::Source;
use tiltwise_core::infer::value::{Estimate, value};
use tiltwise_core::revision::Revision;

use super::view::Interval;
use super::words::{Measure, percent, title};
use super::{ALPHA, Subject};

/// What is asked for: shares of variants, by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix(BTreeMap<String, f64>);

/// "calm=0.5,bold=0.5", or "bold" for everybody.
impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = BTreeMap::new();
        for part in text.split(',') {
            let (key, share) = part.split_once('=').unwrap_or((part, "1"));
            let (key, number) = (key.trim(), share.trim().parse::<f64>());
            let share = match number {
                Ok(share) if (0.0..=1.0).contains(&share) && !key.is_empty() => share,
                _ => {
                    return Err(format!(
                        "'{part}' in the policy is not VARIANT=SHARE with a share between 0 and 1, as in calm=0.5,bold=0.5"
                    ));
                }
            };
            if shares.insert(key.to_owned(), share).is_some() {
                return Err(format!("the policy names '{key}' twice"));
            }
        }
        let sum: f64 = shares.values().sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(format!(
                "the shares of the policy come to {sum}: they must come to 1, as in calm=0.5,bold=0.5"
            ));
        }
        Ok(Self(shares))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, share)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{key}={share}")?;
        }
        Ok(())
    }
}

impl Mix {
    fn of(key: &str) -> Self {
        Self(BTreeMap::from([(key.to_owned(), 1.0)]))
    }

    /// The shares that are above zero.
    pub fn positive(&self) -> BTreeMap<String, f64> {
        let positive = self.0.iter().filter(|&(_, &share)| share > 0.0);
        positive.map(|(key, &share)| (key.clone(), share)).collect()
    }

    /// By arm; nothing where a variant is not one of the experiment's.
    fn shares(&self, revision: &Revision) -> Option<Vec<f64>> {
        let is_known = |key: &String| revision.variants.iter().any(|v| v.key == *key);
        let share = |key: &String| self.0.get(key).copied().unwrap_or(0.0);
        self.0
            .keys()
            .all(is_known)
            .then(|| revision.variants.iter().map(|v| share(&v.key)).collect())
    }
}

/// What a fixed policy would have brought on the visitors that there were.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// The share of each variant that has one.
    pub policy: BTreeMap<String, f64>,
    /// Matured units that it could have been followed for, and those of buckets in which it could not.
    pub units: u64,
    pub left_out: u64,
    /// Inverse propensity score, self-normalised, and doubly robust (of a single variant); a unit's mean, in the metric's own
    /// unit.
    pub ips: PolicyValue,
    pub snips: PolicyValue,
    pub doubly_robust: Option<PolicyValue>,
    pub level: f64,
    pub sentence: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct PolicyValue {
    #[serde(flatten)]
    pub interval: Interval,
    pub method: &'static str,
}

/// Everybody with each variant, and what was asked for besides.
pub(super) fn say(subject: &Subject<'_>, sources: &[Source<'_>], asked: Option<&Mix>) -> Vec<PolicyView> {
    let revision = &subject.experiment.revision;
    let everybody = revision.variants.iter().map(|variant| Mix::of(&variant.key));
    let mut mixes: Vec<Mix> = everybody.collect();
    mixes.extend(asked.filter(|asked| !mixes.contains(asked)).cloned());
    mixes
        .iter()
        .filter_map(|mix| one(subject, sources, mix))
        .collect()
}

fn one(subject: &Subject<'_>, sources: &[Source<'_>], mix: &Mix) -> Option<PolicyView> {
    let revision = &subject.experiment.revision;
    let found = value(
        revision,
        sources,
        subject.clock_ms,
        subject.lateness_ms,
        &mix.shares(revision)?,
        ALPHA,
    )?;
    let measure = Measure::of(revision.metric());
    let scaled = |estimate: Estimate| PolicyValue {
        interval: Interval::scaled(estimate.interval, measure.scale()),
        method: if estimate.is_asymptotic {
            "asymptotic sequence in intrinsic time"
        } else {
            "empirical-Bernstein sequence"
        },
    };
    let best = scaled(found.doubly_robust.unwrap_or(found.snips));
    let policy = mix.positive();
    let shown: Vec<String> = policy
        .iter()
        .map(|(key, &share)| match share {
            1.0 => format!("everybody seeing {}", title(key)),
            share => format!("{} with {}", percent(share), title(key)),
        })
        .collect();
    let left_out = match found.left_out as u64 {
        0 => String::new(),
        units => format!("; {units} visitors are left out, because it could not have been followed then"),
    };
    let Interval { estimate, low, high } = best.interval;
    let sentence = format!(
        "With {} a visitor would have brought {} of {}; between {} and {}; safe to read at any time{left_out}.",
        shown.join(" and "),
        measure.amount(estimate),
        measure.plural(),
        measure.amount(low),
        measure.amount(high),
    );
    Some(PolicyView {
        policy,
        units: found.units as u64,
        left_out: found.left_out as u64,
        ips: scaled(found.ips),
        snips: scaled(found.snips),
        doubly_robust: found.doubly_robust.map(scaled),
        level: 1.0 - ALPHA,
        sentence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_variant_or_shares_of_some() {
        assert_eq!("bold".parse(), Ok(Mix::of("bold")));
        let even: Mix = "calm=0.5, bold=0.5".parse().unwrap();
        assert_eq!(
            even.0,
            BTreeMap::from([("calm".to_owned(), 0.5), ("bold".to_owned(), 0.5)])
        );
    }

    #[test]
    fn what_is_no_policy_is_refused_with_what_would_be() {
        for (text, why) in [
            ("calm=0.5", "come to 0.5"),
            ("calm=0.5,bold=half", "'bold=half'"),
            ("calm=-1,bold=2", "'calm=-1'"),
            ("calm=0.5,calm=0.5", "'calm' twice"),
            ("", "VARIANT=SHARE"),
        ] {
            let said = text.parse::<Mix>().unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
