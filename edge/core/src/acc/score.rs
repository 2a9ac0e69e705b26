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
    /// ln(1 + bet * phi / B), positive sign then negative, in 2^-32, floored.
    pub logs_q32: [i64; LOGS],
}

/// Which of the two arms was shown, if either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Arm,
    Control,
    Another,
}

/// The score of a unit with this reward, 0 to 1.
pub fn score(arm: Side, control: Side, shown: Shown, reward: f64) -> Score {
    let gap = arm.prediction - control.prediction;
    let phi = gap
        + match shown {
            Shown::Arm => (reward - arm.prediction) / arm.propensity,
            Shown::Control => -(reward - control.prediction) / control.propensity,
            Shown::Another => 0.0,
        };
    let variance = arm.variance / arm.propensity + control.variance / control.propensity;
    let h = if variance > 0.0 {
        1.0 / libm::sqrt(variance)
    } else {
        0.0
    };
    // The most that could be lost on either sign, known before the arm is drawn and the reward seen.
    let down = (arm.prediction / arm.propensity).max((1.0 - control.prediction) / control.propensity) - gap;
    let up = ((1.0 - arm.prediction) / arm.propensity).max(control.prediction / control.propensity) + gap;
    Score {
        phi_micros: micros(phi),
        h_phi_micros: micros(h * phi),
        h_micros: micros(h),
        logs_q32: logs(phi, down, up),
    }
}

/// To micro-units, half up.
fn micros(value: f64) -> i64 {
    libm::floor(value * 1e6 + 0.5) as i64
}

#[inline(never)]
fn logs(phi: f64, down: f64, up: f64) -> [i64; LOGS] {
    let mut logs = [0; LOGS];
    if phi == 0.0 {
        return logs;
    }
    let (positive, negative) = logs.split_at_mut(BETS.len());
    for ((bet, plus), minus) in BETS.iter().zip(positive).zip(negative) {
        // Nothing can be lost where the bound is not above zero, and then nothing is staked.
        if down > 0.0 {
            *plus = log_q32(bet * phi / down);
        }
        if up > 0.0 {
            *minus = log_q32(-bet * phi / up);
        }
    }
    logs
}

#[inline(never)]
fn log_q32(x: f64) -> i64 {
    libm::floor(libm::log1p(x) * 4_294_967_296.0) as i64
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
        assert_eq!(score(ARM, CONTROL, Shown::Arm, 1.0).phi_micros, 2_900_000);
        // -0.1 - (1 - 0.2) / 0.7
        assert_eq!(score(ARM, CONTROL, Shown::Control, 1.0).phi_micros, -1_242_857);
        assert_eq!(score(ARM, CONTROL, Shown::Another, 1.0).phi_micros, -100_000);
        // v = 0.09 / 0.3 + 0.16 / 0.7
        assert_eq!(score(ARM, CONTROL, Shown::Another, 0.0).h_micros, 1_375_461);
    }

    #[test]
    fn no_bet_can_lose_more_than_its_stake() {
        for shown in [Shown::Arm, Shown::Control, Shown::Another] {
            for reward in [0.0, 0.4, 1.0] {
                let score = score(ARM, CONTROL, shown, reward);
                for (log, bet) in score.logs_q32.iter().zip(BETS.iter().cycle()) {
                    let floor = libm::floor(libm::log1p(-bet) * 4_294_967_296.0) as i64;
                    assert!(*log >= floor - 1, "{shown:?} {reward}: {log} under {floor}");
                }
            }
        }
    }
}
