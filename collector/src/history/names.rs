//! The columns that a row is read by, and what their values mean.

use tiltwise_core::context::ContextValue;
use tiltwise_core::revision::Revision;

use super::mapping::{Mapping, columns};
use super::table::{Cell, Table};

/// The alternatives of each column.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) time: Vec<String>,
    pub(super) unit: Vec<String>,
    pub(super) variant: Vec<String>,
    pub(super) propensity: Vec<String>,
    pub(super) outcome: Vec<String>,
    pub(super) outcome_time: Vec<String>,
    pub(super) value: Vec<String>,
    pub(super) currency: Vec<String>,
    pub(super) outcome_id: Vec<String>,
    pub(super) event: Vec<String>,
    pub(super) exposure: Vec<String>,
    pub(super) conversion: Vec<String>,
    pub(super) experiment: Vec<String>,
}

impl Names {
    pub(super) fn of(mapping: &Mapping, revision: &Revision) -> Self {
        let of = |column: &Option<String>| columns(column.as_ref());
        let mut names = Self {
            time: of(&mapping.time),
            unit: of(&mapping.unit),
            variant: of(&mapping.variant),
            propensity: of(&mapping.propensity),
            outcome: of(&mapping.outcome),
            outcome_time: of(&mapping.outcome_time),
            value: of(&mapping.value),
            currency: of(&mapping.currency),
            outcome_id: of(&mapping.outcome_id),
            event: of(&mapping.event),
            exposure: of(&mapping.exposure),
            conversion: of(&mapping.conversion),
            experiment: of(&mapping.experiment_column),
        };
        if names.conversion.is_empty() {
            names.conversion.push(revision.metric().event.clone());
        }
        names
    }
}

pub(super) fn plain(cell: Cell) -> ContextValue {
    match cell {
        Cell::Text(text) => ContextValue::Text(text),
        Cell::Number(number) => ContextValue::Number(number),
        Cell::Truth(truth) => ContextValue::Truth(truth),
    }
}

pub(super) fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(number) => Some(*number),
        Cell::Text(text) => text.parse().ok(),
        Cell::Truth(_) => None,
    }
    .filter(|number| number.is_finite())
}

/// Whether it happened: yes, no, or an amount.
pub(super) fn truth(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Truth(truth) => Some(*truth),
        Cell::Text(text) if ["true", "t", "yes", "y"].contains(&text.to_ascii_lowercase().as_str()) => {
            Some(true)
        }
        Cell::Text(text) if ["false", "f", "no", "n"].contains(&text.to_ascii_lowercase().as_str()) => {
            Some(false)
        }
        cell => number(cell).filter(|n| *n >= 0.0).map(|n| n > 0.0),
    }
}

/// Of a file that says its columns, those that are needed must be there.
pub(super) fn check_columns(table: &Table, needed: &[(&'static str, String)]) -> Result<(), String> {
    let Some(there) = &table.columns else {
        return Ok(());
    };
    for (flag, column) in needed {
        if !columns(Some(column)).iter().any(|name| there.contains(name)) {
            return Err(format!(
                "has no column {column:?} ({flag}); its columns are {}",
                there.join(", ")
            ));
        }
    }
    Ok(())
}
