//! Arms against the control, and the whole against its comparison group.

use tiltwise_core::infer::{ArmSums, ENOUGH_CONVERSIONS, ENOUGH_UNITS, TIGHTEST_AT, difference, stabilised};
use tiltwise_core::propensity::share_q30;
use tiltwise_core::revision::PolicyKind;

use super::sums::{COMPARISON, POLICY, Sums};
use super::view::{Contrast, Interval, MaybeInterval};
use super::{ALPHA, Subject};

/// Below this floor the asymptotic sequence of an adaptive split is not to be trusted.
const LEAST_FLOOR: f64 = 0.05;

pub(super) fn against_control(subject: &Subject<'_>, sums: &Sums, scale: f64) -> Vec<Contrast> {
    let revision = &subject.experiment.revision;
    let control = revision.control as usize;
    let is_fixed = revision.policy.kind == PolicyKind::Fixed;
    let floor_holds = is_fixed || revision.policy.min_propensity_q30 >= share_q30(LEAST_FLOOR);
    let arms = &sums.cells[POLICY];
    (0..revision.arms())
        .filter(|&arm| arm != control)
        .map(|arm| {
            let interval = if is_fixed {
                difference(&arms[arm], &arms[control], TIGHTEST_AT, ALPHA)
            } else {
                stabilised(&sums.contrasts[arm], TIGHTEST_AT, ALPHA)
            };
            let enough = [arm, control]
                .iter()
                .all(|&a| sums.matured[a].sum >= ENOUGH_CONVERSIONS)
                && sums.matured_units() >= ENOUGH_UNITS;
            Contrast {
                variant: revision.variants[arm].key.clone(),
                difference: MaybeInterval::scaled(interval, scale),
                method: if is_fixed {
                    "asymptotic confidence sequence"
                } else {
                    "variance-stabilised AIPW sequence"
                },
                safe: enough && floor_holds,
            }
        })
        .collect()
}

/// What the policy earns a unit beyond the comparison group's even split. `None` without a comparison group.
pub(super) fn gain(sums: &Sums, scale: f64) -> Option<Interval> {
    let total = |cell: usize| {
        sums.cells[cell].iter().fold(ArmSums::default(), |a, b| ArmSums {
            n: a.n + b.n,
            sum: a.sum + b.sum,
            sum_squares: a.sum_squares + b.sum_squares,
        })
    };
    difference(&total(POLICY), &total(COMPARISON), TIGHTEST_AT, ALPHA).map(|i| Interval::scaled(i, scale))
}
