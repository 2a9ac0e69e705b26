//! Whether what came is what had been predicted, in words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tiltwise_core::infer;
use tiltwise_core::infer::predicted::Predicted;
use tiltwise_core::revision::Revision;

use super::words::{Measure, percent};

/// A ratio of fewer conversions says more about chance than about the model: its relative error is above a sixth.
const ENOUGH: f64 = 30.0;
/// So many of the newest days are told.
const DAYS: usize = 30;

/// What came over what was predicted, of units that are matured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    pub units: u64,
    /// Since the first unit; 1 where the models are right on average.
    pub ratio: Option<f64>,
    /// In the newest twenty-four hours that are matured.
    pub newest: Option<f64>,
    /// Since the first unit, by variant.
    pub variants: BTreeMap<String, Option<f64>>,
    pub days: Vec<CalibrationDay>,
    pub sentence: String,
}

/// Units that were decided on a day (UTC).
#[derive(Clone, Debug, Serialize)]
pub struct CalibrationDay {
    pub day: String,
    pub units: u64,
    /// In the metric's own unit.
    pub reward: f64,
    pub prediction: f64,
    pub ratio: Option<f64>,
}

pub(super) fn say(revision: &Revision, calibration: &infer::Calibration) -> Calibration {
    let measure = Measure::of(revision.metric());
    let (whole, newest) = (calibration.whole(), calibration.newest_whole());
    let days = &calibration.days;
    let variants = revision.variants.iter().zip(&calibration.arms);
    Calibration {
        units: whole.units as u64,
        ratio: whole.ratio(),
        newest: newest.ratio(),
        variants: variants.map(|(v, arm)| (v.key.clone(), arm.ratio())).collect(),
        days: days
            .iter()
            .skip(days.len().saturating_sub(DAYS))
            .map(|day| CalibrationDay {
                day: date(day.start_ms),
                units: day.predicted.units as u64,
                reward: day.predicted.reward * measure.scale(),
                prediction: day.predicted.prediction * measure.scale(),
                ratio: day.predicted.ratio(),
            })
            .collect(),
        sentence: sentence(measure, &whole, &newest),
    }
}

fn sentence(measure: Measure<'_>, whole: &Predicted, newest: &Predicted) -> String {
    let what = measure.plural();
    let certain = |predicted: &Predicted| predicted.ratio().filter(|_| predicted.conversions() >= ENOUGH);
    match (certain(whole), certain(newest)) {
        (None, _) => format!("Too few {what} were predicted yet to say whether predictions are right."),
        (Some(ratio), None) => format!("Of the {what} that were predicted {} came.", percent(ratio)),
        (Some(ratio), Some(newest)) => format!(
            "Of the {what} that were predicted {} came, and {} in the newest day.",
            percent(ratio),
            percent(newest)
        ),
    }
}

fn date(at_ms: u64) -> String {
    let at = Timestamp::from_millisecond(at_ms.cast_signed()).unwrap_or_default();
    at.strftime("%F").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiltwise_core::revision::Metric;

    fn predicted(prediction: f64, reward: f64) -> Predicted {
        Predicted {
            units: 1_000.0,
            reward,
            prediction,
            squares: reward,
        }
    }

    #[test]
    fn a_ratio_is_told_where_it_means_something() {
        let metric = Metric::rate("sign_up", 1_000);
        let say = |whole: [f64; 2], newest: [f64; 2]| {
            let [whole, newest] = [whole, newest].map(|[prediction, reward]| predicted(prediction, reward));
            sentence(Measure::of(&metric), &whole, &newest)
        };
        assert_eq!(
            say([29.0, 40.0], [29.0, 40.0]),
            "Too few sign ups were predicted yet to say whether predictions are right."
        );
        assert_eq!(
            say([200.0, 194.0], [10.0, 20.0]),
            "Of the sign ups that were predicted 97 % came."
        );
        assert_eq!(
            say([200.0, 194.0], [100.0, 51.5]),
            "Of the sign ups that were predicted 97 % came, and 51.5 % in the newest day."
        );
        assert_eq!(
            say([80.0, 0.0], [0.0, 0.0]),
            "Of the sign ups that were predicted 0.0 % came."
        );
    }

    #[test]
    fn a_day_is_named_by_its_date() {
        assert_eq!(date(1_709_251_200_000), "2024-03-01");
    }
}
