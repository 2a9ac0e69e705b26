//! What is summed of one arm by one metric: how often it was shown, what it brought, what had been predicted of it, and what
//! everybody would have brought if all had seen it.
//!
//! All in integers: a propensity is one, and so are rewards and predictions; a quotient is rounded half up in each unit.

use crate::event::{DEFAULT_PREDICTION_MICROS, Exposure};
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
    /// Units for which the arm was possible, whichever they were shown.
    pub possible: i64,
    /// With w the inverse of the propensity and y the reward in micro-units, over the units that were shown the arm: wy,
    /// and in their squares (wy)², w² and w·wy.
    pub sum_weighed_r_micros: i64,
    pub sum_weighed_r_squared: i128,
    pub sum_weight_squared: i128,
    pub sum_weight_weighed_r: i128,
    /// Over all units for which it was possible, what the arm would have brought, doubly robust: ψ = m̂ + 1{shown}·w(y − m̂);
    /// and its square. A metric without predictions uses 0.
    pub sum_psi_micros: i64,
    pub sum_psi_squared: i128,
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
        self.possible = self.possible.wrapping_add(other.possible);
        self.sum_weighed_r_micros = self.sum_weighed_r_micros.wrapping_add(other.sum_weighed_r_micros);
        self.sum_weighed_r_squared = self
            .sum_weighed_r_squared
            .wrapping_add(other.sum_weighed_r_squared);
        self.sum_weight_squared = self.sum_weight_squared.wrapping_add(other.sum_weight_squared);
        self.sum_weight_weighed_r = self.sum_weight_weighed_r.wrapping_add(other.sum_weight_weighed_r);
        self.sum_psi_micros = self.sum_psi_micros.wrapping_add(other.sum_psi_micros);
        self.sum_psi_squared = self.sum_psi_squared.wrapping_add(other.sum_psi_squared);
    }

    /// What everybody would have brought with this arm, by a unit that was shown another.
    fn add_unshown(&mut self, prediction: i64, count: i64) {
        self.sum_psi_micros = self.sum_psi_micros.wrapping_add(count * prediction);
        self.sum_psi_squared = self
            .sum_psi_squared
            .wrapping_add(square(prediction) * i128::from(count));
    }

    /// The same by a unit that was shown it, with this reward.
    fn add_shown(&mut self, p_q30: u32, prediction: i64, reward: i64, sign: i64) {
        let weighed = over(reward, p_q30);
        let psi = prediction + over(reward - prediction, p_q30);
        self.sum_weighed_r_micros = self.sum_weighed_r_micros.wrapping_add(sign * weighed);
        self.sum_psi_micros = self.sum_psi_micros.wrapping_add(sign * psi);
        let (weight, sign) = (i128::from(inverse_micros(p_q30)), i128::from(sign));
        self.sum_weighed_r_squared = self.sum_weighed_r_squared.wrapping_add(sign * square(weighed));
        self.sum_weight_squared = self.sum_weight_squared.wrapping_add(sign * weight * weight);
        self.sum_weight_weighed_r = self
            .sum_weight_weighed_r
            .wrapping_add(sign * weight * i128::from(weighed));
        self.sum_psi_squared = self.sum_psi_squared.wrapping_add(sign * square(psi));
    }
}

/// Entries of one metric and cell, by arm: a unit's reward changes from `was` to `now`; nothing stands for "does not count".
pub(super) fn change(arms: &mut [ArmCell], x: &Exposure, metric: usize, was: Option<u32>, now: Option<u32>) {
    let count = i64::from(now.is_some()) - i64::from(was.is_some());
    let shown = x.arm as usize;
    // Only the optimised metric is predicted.
    let predictions: &[u32] = if metric == 0 { &x.predictions_micros } else { &[] };
    if count != 0 {
        let mut predicted = predictions.iter();
        for (at, (arm, &p)) in arms.iter_mut().zip(&x.propensities_q30).enumerate() {
            let prediction = predicted.next().copied().unwrap_or(DEFAULT_PREDICTION_MICROS);
            if p == 0 {
                continue;
            }
            arm.sum_p_q30 = arm.sum_p_q30.wrapping_add(count * i64::from(p));
            arm.possible = arm.possible.wrapping_add(count);
            if at != shown && prediction != 0 {
                arm.add_unshown(i64::from(prediction), count);
            }
        }
    }
    let (Some(arm), Some(&p)) = (arms.get_mut(shown), x.propensities_q30.get(shown)) else {
        return;
    };
    arm.n = arm.n.wrapping_add(count);
    arm.sum_inverse_p_micros = arm.sum_inverse_p_micros.wrapping_add(count * inverse_micros(p));
    let (before, after) = (i64::from(was.unwrap_or(0)), i64::from(now.unwrap_or(0)));
    arm.sum_r = arm.sum_r.wrapping_add(after - before);
    arm.sum_rr = arm.sum_rr.wrapping_add(square(after) - square(before));
    let prediction = predictions.get(shown).copied();
    if let Some(prediction) = prediction {
        arm.predicted = arm.predicted.wrapping_add(count);
        arm.sum_predicted_r = arm.sum_predicted_r.wrapping_add(after - before);
        arm.sum_prediction_micros = arm
            .sum_prediction_micros
            .wrapping_add(count * i64::from(prediction));
    }
    let prediction = i64::from(prediction.unwrap_or(DEFAULT_PREDICTION_MICROS));
    for (reward, sign) in [(was, -1), (now, 1)] {
        if let Some(reward) = reward {
            arm.add_shown(p, prediction, i64::from(reward), sign);
        }
    }
}

fn square(micros: i64) -> i128 {
    i128::from(micros) * i128::from(micros)
}

/// Micro-units over a propensity, half up.
fn over(micros: i64, p_q30: u32) -> i64 {
    let p = i64::from(p_q30.max(1));
    (micros * i64::from(ONE_Q30) + p / 2).div_euclid(p)
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
    fn what_everybody_would_have_brought_is_told_by_each_arm_that_was_possible() {
        let mut arms = [ArmCell::default(); 2];
        change(
            &mut arms,
            &exposure(&[100_000, 200_000]),
            0,
            None,
            Some(1_000_000),
        );
        let [other, shown] = arms;
        assert_eq!((other.possible, shown.possible), (1, 1));
        // The one that was not shown by its prediction, the other by .2 + (1 − .2) / ¼.
        assert_eq!(
            (other.sum_psi_micros, other.sum_psi_squared),
            (100_000, 100_000 * 100_000)
        );
        assert_eq!(
            (shown.sum_psi_micros, shown.sum_psi_squared),
            (3_400_000, 3_400_000 * 3_400_000)
        );
        assert_eq!(shown.sum_weighed_r_micros, 4_000_000);
        let square = 4_000_000 * 4_000_000;
        assert_eq!(
            [
                shown.sum_weighed_r_squared,
                shown.sum_weight_squared,
                shown.sum_weight_weighed_r
            ],
            [square; 3]
        );
    }

    #[test]
    fn a_quotient_is_rounded_half_up_on_both_sides_of_zero() {
        let half = 2 * ONE_Q30;
        assert_eq!([1, 2, 3].map(|micros| over(micros, half)), [1, 1, 2]);
        assert_eq!([-1, -2, -3].map(|micros| over(micros, half)), [0, -1, -1]);
        assert_eq!(
            over(-1_000_000, 1),
            -1_000_000 * i64::from(ONE_Q30),
            "the rarest arm there is"
        );
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
