//! What one unit adds to a comparison of an arm with the control: its doubly robust score and the bets on it.
//!
//! All inputs stand in the record, as the deciding model had them, so nothing here depends on the order of events. f64 is
//! exact to the bit in every host as long as it only adds, multiplies, divides and takes roots; logarithms come from libm.

/// The bets of the e-process: shares of what could be lost, each tried with both signs.
pub const BETS: [f64; 7] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64];
/// One logarithm for each bet and sign.
pub const LOGS: usize = 14;

/// One arm as the deciding model saw it.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Above zero.
    pub propensity: f64,
    pub prediction: f64,
    pub variance: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub phi_micros: i64,
    pub h_phi_micros: i64,
    pub h_micros: i64,
    /// The variance of phi as the deciding model expected it; h is its root's inverse.
    pub v_micros: i64,
    /// ln(1 + bet * (phi - margin) / B), positive sign then negative, in 2^-32, floored.
    pub logs_q32: [i64; LOGS],
}

/// Which of the two arms was shown, if either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Arm,
    Control,
    Another,
}

/// The score of a unit with this reward, 0 to 1; bets are on what it has beyond `margin`.
///
/// φ = m̂(k) − m̂(0) + 1{A=k}(Y − m̂(k))/p(k) − 1{A=0}(Y − m̂(0))/p(0) is unbiased for the effect whatever the predictions
/// are, because p is what was sampled from. v = σ̂²(k)/p(k) + σ̂²(0)/p(0) is its variance about the effect, if they are right.
pub fn score(arm: Side, control: Side, shown: Shown, reward: f64, margin: f64) -> Score {
    let gap = arm.prediction - control.prediction;
    let phi = gap
        + match shown {
            Shown::Arm => (reward - arm.prediction) / arm.propensity,
            Shown::Control => -(reward - control.prediction) / control.propensity,
            Shown::Another => 0.0,
        };
    let variance = arm.variance / arm.propensity + control.variance / control.propensity;
    // The most that could be lost on either sign, known before the arm is drawn and the reward seen: φ ≥ −down, φ ≤ up.
    let down = (arm.prediction / arm.propensity).max((1.0 - control.prediction) / control.propensity) - gap;
    let up = ((1.0 - arm.prediction) / arm.propensity).max(control.prediction / control.propensity) + gap;
    Score::of(phi, variance, down, up, margin)
}

/// The score of the split as a whole against everybody seeing the control: φ = Y − m̂(0) − 1{A=0}(Y − m̂(0))/p(0).
///
/// `arms` are the possible ones with their places, the control among them. With d the differences of the predictions to the
/// control's, v = Σ_a≠0 p(a)(σ̂²(a) + d(a)²) − (Σ_a p(a) d(a))² + σ̂²(0)(1 − p(0))²/p(0).
pub fn whole(
    arms: impl Iterator<Item = (usize, Side)>,
    control: Side,
    control_at: usize,
    shown: usize,
    reward: f64,
    margin: f64,
) -> Score {
    let Side {
        propensity: p,
        prediction: m,
        variance: control_variance,
    } = control;
    let inverse_less_one = (1.0 - p) / p;
    let phi = if shown == control_at {
        -(reward - m) * inverse_less_one
    } else {
        reward - m
    };
    let (mut variance, mut mean) = (control_variance * (1.0 - p) * inverse_less_one, 0.0);
    for (_, arm) in arms.filter(|&(at, _)| at != control_at) {
        let gap = arm.prediction - m;
        variance += arm.propensity * (arm.variance + gap * gap);
        mean += arm.propensity * gap;
    }
    let down = m.max((1.0 - m) * inverse_less_one);
    let up = (1.0 - m).max(m * inverse_less_one);
    Score::of(phi, variance - mean * mean, down, up, margin)
}

impl Score {
    fn of(phi: f64, variance: f64, down: f64, up: f64, margin: f64) -> Self {
        let h = if variance > 0.0 {
            1.0 / libm::sqrt(variance)
        } else {
            0.0
        };
        Self {
            phi_micros: micros(phi),
            h_phi_micros: micros(h * phi),
            h_micros: micros(h),
            v_micros: micros(variance),
            logs_q32: logs(phi - margin, down + margin, up - margin),
        }
    }
}

/// To micro-units, half up.
fn micros(value: f64) -> i64 {
    floor(value * 1e6 + 0.5)
}

/// The largest whole number that is not larger. What `libm::floor` gives and a cast makes of it, without the call: this is
/// asked some fifty times an exposure.
fn floor(value: f64) -> i64 {
    let towards_zero = value as i64;
    if (towards_zero as f64) > value {
        towards_zero - 1
    } else {
        towards_zero
    }
}

#[inline(never)]
fn logs(gain: f64, down: f64, up: f64) -> [i64; LOGS] {
    let mut logs = [0; LOGS];
    if gain == 0.0 {
        return logs;
    }
    let (positive, negative) = logs.split_at_mut(BETS.len());
    for ((bet, plus), minus) in BETS.iter().zip(positive).zip(negative) {
        // Nothing can be lost where the bound is not above zero, and then nothing is staked.
        if down > 0.0 {
            *plus = log_q32(bet * gain / down);
        }
        if up > 0.0 {
            *minus = log_q32(-bet * gain / up);
        }
    }
    logs
}

#[inline(never)]
fn log_q32(x: f64) -> i64 {
    floor(libm::log1p(x) * 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM: Side = Side {
        propensity: 0.3,
        prediction: 0.1,
        variance: 0.09,
    };
    const CONTROL: Side = Side {
        propensity: 0.7,
        prediction: 0.2,
        variance: 0.16,
    };

    #[test]
    fn the_score_is_the_doubly_robust_one() {
        // -0.1 + (1 - 0.1) / 0.3 = 2.9
        assert_eq!(score(ARM, CONTROL, Shown::Arm, 1.0, 0.0).phi_micros, 2_900_000);
        // -0.1 - (1 - 0.2) / 0.7
        assert_eq!(
            score(ARM, CONTROL, Shown::Control, 1.0, 0.0).phi_micros,
            -1_242_857
        );
        assert_eq!(score(ARM, CONTROL, Shown::Another, 1.0, 0.0).phi_micros, -100_000);
        // v = 0.09 / 0.3 + 0.16 / 0.7
        assert_eq!(score(ARM, CONTROL, Shown::Another, 0.0, 0.0).h_micros, 1_375_461);
    }

    #[test]
    fn no_bet_can_lose_more_than_its_stake() {
        for shown in [Shown::Arm, Shown::Control, Shown::Another] {
            for (reward, margin) in [(0.0, 0.0), (0.4, 0.0), (1.0, 0.0), (0.0, 0.02), (1.0, 0.02)] {
                let score = score(ARM, CONTROL, shown, reward, margin);
                for (log, bet) in score.logs_q32.iter().zip(BETS.iter().cycle()) {
                    let floor = libm::floor(libm::log1p(-bet) * 4_294_967_296.0) as i64;
                    assert!(*log >= floor - 1, "{shown:?} {reward}: {log} under {floor}");
                }
            }
        }
    }

    #[test]
    fn the_floor_is_that_of_libm() {
        let mut x = 1e-9f64;
        while x < 4e18 {
            for value in [x, -x, libm::trunc(x), -libm::trunc(x), x + 0.5, 0.0] {
                assert_eq!(floor(value), libm::floor(value) as i64, "{value}");
            }
            x *= 1.37;
        }
    }

    #[test]
    fn the_score_of_the_whole_is_unbiased_for_what_everybody_gains_over_the_control() {
        let arms = || [(0, CONTROL), (1, ARM)].into_iter();
        let phi = |shown, reward| whole(arms(), CONTROL, 0, shown, reward, 0.0).phi_micros as f64 / 1e6;
        // True rates .5 and .2: E φ = .3 (.5 − .2).
        let mean =
            0.3 * (0.5 * phi(1, 1.0) + 0.5 * phi(1, 0.0)) + 0.7 * (0.2 * phi(0, 1.0) + 0.8 * phi(0, 0.0));
        assert!((mean - 0.3 * 0.3).abs() < 1e-6, "{mean}");
        // Where the predictions are right, v is its variance: .09 and .16 are those of coins of .1 and .2.
        let v = whole(arms(), CONTROL, 0, 0, 0.0, 0.0).v_micros as f64 / 1e6;
        let chance = [(1, 1.0, 0.03), (1, 0.0, 0.27), (0, 1.0, 0.14), (0, 0.0, 0.56)];
        let moment = |power| -> f64 {
            chance
                .iter()
                .map(|&(a, y, p)| p * f64::powi(phi(a, y), power))
                .sum()
        };
        assert!((v - (moment(2) - moment(1) * moment(1))).abs() < 1e-5, "{v}");
    }

    #[test]
    fn no_bet_on_the_whole_can_lose_more_than_its_stake_nor_gains_where_there_is_nothing() {
        for (p, m) in [(0.05, 0.1), (0.5, 0.0), (0.9, 0.7)] {
            let control = Side {
                propensity: p,
                prediction: m,
                variance: 0.1,
            };
            let arm = Side {
                propensity: 1.0 - p,
                prediction: 0.4,
                variance: 0.1,
            };
            let score = |shown, reward| {
                whole(
                    [(0, control), (1, arm)].into_iter(),
                    control,
                    0,
                    shown,
                    reward,
                    0.0,
                )
            };
            for rate in [0.0, 0.3, 1.0] {
                for bet in 0..LOGS {
                    let growth = |shown, reward| {
                        libm::exp(score(shown, reward).logs_q32[bet] as f64 / 4_294_967_296.0)
                    };
                    let mean = |shown| rate * growth(shown, 1.0) + (1.0 - rate) * growth(shown, 0.0);
                    let expected = (1.0 - p) * mean(1) + p * mean(0);
                    assert!(
                        expected <= 1.0 + 1e-9 && growth(0, 1.0) > 0.0,
                        "{p} {m} {rate} {bet}: {expected}"
                    );
                }
            }
        }
    }
}
