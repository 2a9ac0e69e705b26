//! What is summed of one arm by one metric: how often it was shown, what it brought, and what had been predicted of it.

use crate::event::Exposure;
use crate::propensity::ONE_Q30;

/// The sums of one arm by one metric in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArmCell {
    /// Units that were shown the arm, and their rewards in micro-units.
    pub n: i64,
    pub sum_r: i64,
    pub sum_rr: i128,
    /// The arm's propensity over *all* units of the cell, whichever arm they were shown, so that `n - sum_p` tests the
    /// allocation.
    pub sum_p_q30: i64,
    /// The inverse of its propensity over the units that were shown it.
    pub sum_inverse_p_micros: i64,
    /// Of the units that were shown it, those of which the deciding model had predicted the metric; their rewards, and what
    /// was predicted. The first visitors and metrics that are not optimised have no predictions.
    pub predicted: i64,
    pub sum_predicted_r: i64,
    pub sum_prediction_micros: i64,
}

impl ArmCell {
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        self.n = self.n.wrapping_add(other.n);
        self.sum_r = self.sum_r.wrapping_add(other.sum_r);
        self.sum_rr = self.sum_rr.wrapping_add(other.sum_rr);
        self.sum_p_q30 = self.sum_p_q30.wrapping_add(other.sum_p_q30);
        self.sum_inverse_p_micros = self.sum_inverse_p_micros.wrapping_add(other.sum_inverse_p_micros);
        self.predicted = self.predicted.wrapping_add(other.predicted);
        self.sum_predicted_r = self.sum_predicted_r.wrapping_add(other.sum_predicted_r);
        self.sum_prediction_micros = self
            .sum_prediction_micros
            .wrapping_add(other.sum_prediction_micros);
    }
}

/// Entries of one metric and cell, by arm: a unit's reward changes from `was` to `now`; nothing stands for "does not count".
pub(super) fn change(arms: &mut [ArmCell], x: &Exposure, metric: usize, was: Option<u32>, now: Option<u32>) {
    let count = i64::from(now.is_some()) - i64::from(was.is_some());
    if count != 0 {
        for (arm, &p) in arms.iter_mut().zip(&x.propensities_q30) {
            arm.sum_p_q30 = arm.sum_p_q30.wrapping_add(count * i64::from(p));
        }
    }
    let shown = x.arm as usize;
    let (Some(arm), Some(&p)) = (arms.get_mut(shown), x.propensities_q30.get(shown)) else {
        return;
    };
    arm.n = arm.n.wrapping_add(count);
    arm.sum_inverse_p_micros = arm.sum_inverse_p_micros.wrapping_add(count * inverse_micros(p));
    let (before, after) = (i64::from(was.unwrap_or(0)), i64::from(now.unwrap_or(0)));
    arm.sum_r = arm.sum_r.wrapping_add(after - before);
    let square = |r: i64| i128::from(r) * i128::from(r);
    arm.sum_rr = arm.sum_rr.wrapping_add(square(after) - square(before));
    // Only the optimised metric is predicted.
    let prediction = x.predictions_micros.get(shown).filter(|_| metric == 0);
    if let Some(&prediction) = prediction {
        arm.predicted = arm.predicted.wrapping_add(count);
        arm.sum_predicted_r = arm.sum_predicted_r.wrapping_add(after - before);
        arm.sum_prediction_micros = arm
            .sum_prediction_micros
            .wrapping_add(count * i64::from(prediction));
    }
}

/// The inverse of a propensity above zero, in micro-units, half up.
fn inverse_micros(p_q30: u32) -> i64 {
    let p = u64::from(p_q30.max(1));
    ((u64::from(ONE_Q30) * 1_000_000 + p / 2) / p).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RevisionId, UnitKind};

    fn exposure(predictions_micros: &[u32]) -> Exposure {
        Exposure {
            revision: RevisionId(1),
            model: 1,
            episode: 0,
            arm: 1,
            draw: 0,
            slots: std::vec![],
            values_q10: std::vec![],
            propensities_q30: std::vec![ONE_Q30 / 4 * 3, ONE_Q30 / 4],
            predictions_micros: predictions_micros.into(),
            variances_micros: std::vec![],
            flags: 0,
            unit_kind: UnitKind::Visitor,
        }
    }

    #[test]
    fn what_was_predicted_of_the_arm_that_was_shown_stands_beside_what_it_brought() {
        let mut arms = [ArmCell::default(); 2];
        change(&mut arms, &exposure(&[100_000, 200_000]), 0, None, Some(0));
        change(
            &mut arms,
            &exposure(&[100_000, 200_000]),
            0,
            Some(0),
            Some(1_000_000),
        );
        change(&mut arms, &exposure(&[]), 0, None, Some(1_000_000));
        let [other, shown] = arms;
        assert_eq!((shown.n, shown.sum_r), (2, 2_000_000));
        assert_eq!(
            (
                shown.predicted,
                shown.sum_predicted_r,
                shown.sum_prediction_micros
            ),
            (1, 1_000_000, 200_000),
            "a unit without predictions says nothing of them"
        );
        assert_eq!((other.predicted, other.sum_prediction_micros), (0, 0));
    }

    #[test]
    fn a_metric_that_is_not_optimised_was_not_predicted() {
        let mut arms = [ArmCell::default(); 2];
        change(
            &mut arms,
            &exposure(&[100_000, 200_000]),
            1,
            None,
            Some(1_000_000),
        );
        assert_eq!((arms[1].sum_r, arms[1].predicted), (1_000_000, 0));
    }

    #[test]
    fn what_is_taken_away_again_leaves_nothing() {
        let mut arms = [ArmCell::default(); 2];
        for (was, now) in [(None, Some(400_000)), (Some(400_000), None)] {
            change(&mut arms, &exposure(&[100_000, 200_000]), 0, was, now);
        }
        assert!(arms.iter().all(ArmCell::is_zero), "{arms:?}");
    }
}
