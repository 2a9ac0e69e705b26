//! How the variants of the past were chosen, and what may be said of them because of it.
//!
//! A difference between two variants is theirs only where chance chose between them. So the choice has to be known: a logged
//! propensity in each row, or a declared split; and what the rows say has to agree with it. The history of a single variant
//! may still say how much visitors bring at all. Everything else is refused.

use tiltwise_core::fit::history::Reach;
use tiltwise_core::revision::Revision;

use super::Decision;

/// Steps of a halving by which propensities are told apart: rows of one class differ by less than 5 %.
const STEPS: f64 = 8.0;
/// Propensities below 2^-7 count as that: a row never weighs more than 128 of those that were certain.
const LAST_CLASS: u8 = 56;
/// A deviation of so many standard errors does not happen by chance (once in two million files).
const DEVIATION: f64 = 5.0;
/// Nor does it matter where it is this small.
const SMALL: f64 = 0.01;

#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Each row has the probability that its variant had.
    Logged,
    /// At random in these shares, by arm.
    Randomised(Vec<(u8, f64)>),
    /// Everybody was shown this arm.
    Only(u8),
    /// Nobody has said.
    Unknown,
}

/// Why rows are refused as a whole: what is so, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub what: String,
    pub remedy: String,
}

/// The class of a propensity in (0, 1].
pub fn class_of(propensity: f64) -> u8 {
    (-propensity.log2() * STEPS)
        .round()
        .clamp(0.0, f64::from(LAST_CLASS)) as u8
}

/// The inverse of the propensities of a class.
pub fn weight_of(class: u8) -> f64 {
    (f64::from(class) / STEPS).exp2()
}

impl Choice {
    pub fn reach(&self) -> Reach {
        match self {
            Self::Logged | Self::Randomised(_) => Reach::Arms,
            Self::Only(_) | Self::Unknown => Reach::Pooled,
        }
    }

    /// For people: "at random, calm 50 % and bold 50 %".
    pub fn say(&self, revision: &Revision) -> String {
        match self {
            Self::Logged => "with a logged propensity".to_owned(),
            Self::Randomised(shares) => {
                let share =
                    |(arm, share): &(u8, f64)| format!("{} {} %", key(revision, *arm), round(share * 100.0));
                format!(
                    "at random, {}",
                    shares.iter().map(share).collect::<Vec<_>>().join(", ")
                )
            }
            Self::Only(arm) => format!("only {}", key(revision, *arm)),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// Whether what was read agrees with it.
    pub fn check(&self, decisions: &[Decision], inverse: f64, revision: &Revision) -> Result<(), Refused> {
        let mut shown = vec![0u64; revision.arms()];
        for decision in decisions {
            if let Some(n) = shown.get_mut(decision.arm as usize) {
                *n += 1;
            }
        }
        let seen: Vec<&str> = named(&shown, revision);
        let several = seen.len() > 1;
        let list = seen.join(", ");
        let only = seen.first().copied().unwrap_or_default();
        match self {
            Self::Unknown if several => Err(Refused {
                what: format!(
                    "shows several variants ({list}), and nothing says how they were chosen: a difference between them may \
                     be one between the people who got them"
                ),
                remedy: "Name the column of the probability that the shown variant had (--propensity COLUMN), or declare \
                         the shares of a random split (--randomised calm=0.5,bold=0.5). Without either, import the rows of \
                         one variant alone (--only-variant KEY)"
                    .to_owned(),
            }),
            Self::Unknown => Err(Refused {
                what: format!("shows {only} alone, and nothing says so"),
                remedy: format!(
                    "Declare it with --only-variant {only}: the rows then tell how much visitors bring, and nothing of the \
                     difference between variants"
                ),
            }),
            Self::Only(arm) if shown.iter().enumerate().any(|(a, &n)| n > 0 && a != *arm as usize) => Err(Refused {
                what: format!(
                    "is declared to show {} alone, and shows {list}",
                    key(revision, *arm)
                ),
                remedy: "Leave the other rows out, or say how the variants were chosen (--propensity, --randomised)"
                    .to_owned(),
            }),
            Self::Only(_) => Ok(()),
            _ if !several => Err(Refused {
                what: format!("shows {only} alone, so nothing was chosen between"),
                remedy: format!("Import it with --only-variant {only}"),
            }),
            Self::Randomised(shares) => check_shares(shares, &shown, revision),
            Self::Logged => check_propensities(decisions.len() as f64, inverse, seen.len() as f64),
        }
    }
}

/// What was shown against what was declared.
fn check_shares(shares: &[(u8, f64)], shown: &[u64], revision: &Revision) -> Result<(), Refused> {
    let n = shown.iter().sum::<u64>() as f64;
    for &(arm, share) in shares {
        let found = shown.get(arm as usize).map_or(0.0, |&n| n as f64) / n;
        let error = (share * (1.0 - share) / n).sqrt();
        if (found - share).abs() > (DEVIATION * error).max(SMALL) {
            return Err(Refused {
                what: format!(
                    "shows {} to {} % of units and not to the {} % that are declared; chance does not do that",
                    key(revision, arm),
                    round(found * 100.0),
                    round(share * 100.0)
                ),
                remedy: "Something else chose, or rows are missing: declare the shares as they were, or import the rows \
                         of one variant alone (--only-variant KEY)"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// Each arm's inverse propensities, over the rows that were shown it, add up to the number of rows that could have been. So
/// all of them add up to at most one number of rows for each arm.
fn check_propensities(n: f64, inverse: f64, arms: f64) -> Result<(), Refused> {
    let most = n * arms;
    if inverse > most * (1.0 + SMALL) + DEVIATION * (most * arms).sqrt() {
        return Err(Refused {
            what: format!(
                "has propensities that are too small: what was shown happened {} times as often as they say",
                round(inverse / most)
            ),
            remedy: "Write into each row the probability that the variant it shows had, between 0 and 1"
                .to_owned(),
        });
    }
    Ok(())
}

fn named<'r>(shown: &[u64], revision: &'r Revision) -> Vec<&'r str> {
    let arms = revision.variants.iter().zip(shown);
    arms.filter(|(_, n)| **n > 0)
        .map(|(variant, _)| variant.key.as_str())
        .collect()
}

pub(super) fn key(revision: &Revision, arm: u8) -> &str {
    revision
        .variants
        .get(arm as usize)
        .map_or("?", |variant| variant.key.as_str())
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_within_five_percent_of_its_propensities() {
        for i in 1..=1_000 {
            let p = f64::from(i) / 1_000.0;
            if p >= 1.0 / 128.0 {
                let back = 1.0 / weight_of(class_of(p));
                assert!((back / p - 1.0).abs() < 0.05, "{p} {back}");
            }
        }
        assert_eq!(class_of(1e-9), LAST_CLASS);
    }

    #[test]
    fn propensities_of_a_fair_coin_add_up_and_tenths_of_them_do_not() {
        assert!(check_propensities(1_000.0, 2_000.0, 2.0).is_ok());
        let refused = check_propensities(1_000.0, 20_000.0, 2.0).unwrap_err();
        assert!(refused.what.contains("10 times as often"), "{}", refused.what);
    }
}
