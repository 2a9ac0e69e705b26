//! The experiment that a table is: its arms are the classes, its attributes the columns.

use tiltwise_core::id::UnitKind;
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};

use super::Encoding;
use super::river::{ROW_MS, Settings};
use crate::feed::table::{Column, Table};

/// The outcome of a row whose arm was right.
pub const RIGHT: &str = "right";
/// The outcome comes with its exposure; the window has closed before the next row.
const WINDOW_MS: u64 = ROW_MS / 2;

pub fn revision(table: &Table, settings: &Settings) -> Revision {
    Revision {
        key: table.key.clone(),
        salt: [0; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        // All rows count, so nobody stays on an even split.
        comparison_q30: 0,
        control: 0,
        variants: (0..table.arms)
            .map(|arm| Variant {
                key: arm.to_string(),
                value: arm.to_string(),
            })
            .collect(),
        when: Condition::always(),
        attributes: (0..table.columns.len())
            .map(|place| attribute(table, place, settings.encoding))
            .collect(),
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: share_q30(settings.floor.min(0.5 / table.arms as f64)),
            weights_q30: Vec::new(),
        },
        metrics: vec![Metric::rate(RIGHT, WINDOW_MS)],
        half_life_ms: settings.half_life_events.unwrap_or(0) * ROW_MS,
        bucket_ms: 3_600_000,
        fine_ms: ROW_MS / 4,
        horizon_units: 0,
    }
}

fn attribute(table: &Table, place: usize, encoding: Encoding) -> Attribute {
    let (name, column) = &table.columns[place];
    let kind = match (column, encoding) {
        (Column::Numeric { .. }, Encoding::Bins) => AttributeKind::Number,
        (Column::Numeric { .. }, Encoding::Linear) => {
            let (center, scale) = mean_and_deviation(&table.first_numbers(place));
            AttributeKind::Linear { center, scale }
        }
        _ => AttributeKind::Categorical,
    };
    Attribute {
        name: name.clone(),
        kind,
        hidden: false,
    }
}

/// Of a constant the scale is 1: every value is then as far from the center as it is.
fn mean_and_deviation(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}
