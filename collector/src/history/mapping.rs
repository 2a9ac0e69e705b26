//! Which column means what.
//!
//! A mapping file has the same names as the flags; flags are laid over it, and both over a preset:
//!
//! ```toml
//! preset = "segment"                       # or everything by hand
//! time = "timestamp"
//! unit = "anonymousId"
//! variant = "properties.variation_name"    # several, of which the first that is there counts: "a | b"
//! variants = { Control = "calm", Bold = "bold" }
//! attributes = { device = "context.device.type" }
//! values = { device = { mobile = "phone" } }
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tiltwise_core::revision::{AttributeKind, Revision};

use super::preset::Preset;

/// The name of a column, or several of which the first that has something counts, separated by `|`.
pub type Column = String;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Mapping {
    pub preset: Option<Preset>,
    pub time: Option<Column>,
    pub unit: Option<Column>,
    pub variant: Option<Column>,
    pub propensity: Option<Column>,
    /// Whether it happened, where each row brings its outcome along.
    pub outcome: Option<Column>,
    pub outcome_time: Option<Column>,
    /// The amount, for a metric that sums values.
    pub value: Option<Column>,
    pub currency: Option<Column>,
    /// An order number: two outcomes with one are one.
    pub outcome_id: Option<Column>,
    /// What tells rows apart that are events: its column, the value of a decision and that of an outcome.
    pub event: Option<Column>,
    pub exposure: Option<Column>,
    pub conversion: Option<Column>,
    /// What the other tool calls the experiment, and the column that says it.
    pub experiment: Option<String>,
    pub experiment_column: Option<Column>,
    /// By their name of a variant, ours.
    pub variants: BTreeMap<String, String>,
    /// By our name of an attribute, its column.
    pub attributes: BTreeMap<String, Column>,
    /// By our name of an attribute, their values and ours.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping file.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        toml::from_str(&text).map_err(|error| error.to_string().trim_end().replace('\n', "\n  "))
    }

    /// What this leaves open, another says.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (own, other) in [
            (&mut self.time, other.time),
            (&mut self.unit, other.unit),
            (&mut self.variant, other.variant),
            (&mut self.propensity, other.propensity),
            (&mut self.outcome, other.outcome),
            (&mut self.outcome_time, other.outcome_time),
            (&mut self.value, other.value),
            (&mut self.currency, other.currency),
            (&mut self.outcome_id, other.outcome_id),
            (&mut self.event, other.event),
            (&mut self.exposure, other.exposure),
            (&mut self.conversion, other.conversion),
            (&mut self.experiment, other.experiment),
            (&mut self.experiment_column, other.experiment_column),
        ] {
            *own = own.take().or(other);
        }
        self.preset = self.preset.or(other.preset);
        for (own, other) in [
            (&mut self.variants, other.variants),
            (&mut self.attributes, other.attributes),
        ] {
            for (key, value) in other {
                own.entry(key).or_insert(value);
            }
        }
        for (key, values) in other.values {
            self.values.entry(key).or_insert(values);
        }
        self
    }

    /// With its preset's columns, and those that are named like what they are.
    #[must_use]
    pub fn complete(self, revision: &Revision) -> Self {
        let preset = self.preset;
        let filled = match preset {
            Some(preset) => self.or(preset.mapping(revision)),
            None => self,
        };
        let attributes = revision
            .attributes
            .iter()
            .filter(|attribute| {
                !matches!(
                    attribute.kind,
                    AttributeKind::Cross { .. } | AttributeKind::Segment { .. }
                )
            })
            .map(|attribute| {
                let columns = preset.map_or_else(|| attribute.name.clone(), |p| p.attribute(&attribute.name));
                (attribute.name.clone(), columns)
            })
            .collect();
        filled.or(Self {
            attributes,
            ..Self::default()
        })
    }

    /// The columns that must be there, by the flag that names each.
    pub fn needed(&self) -> Vec<(&'static str, &Column)> {
        [
            ("--time", &self.time),
            ("--unit", &self.unit),
            ("--variant-column", &self.variant),
            ("--propensity", &self.propensity),
            ("--outcome", &self.outcome),
            ("--outcome-time", &self.outcome_time),
            ("--event", &self.event),
        ]
        .into_iter()
        .filter_map(|(flag, column)| Some((flag, column.as_ref()?)))
        .collect()
    }
}

/// The alternatives of a column.
pub fn columns(column: Option<&Column>) -> Vec<String> {
    let split = |text: &String| text.split('|').map(|one| one.trim().to_owned()).collect();
    column.map(split).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_over_the_file_and_the_file_over_the_preset() {
        let flags = Mapping {
            time: Some("when".into()),
            ..Mapping::default()
        };
        let file: Mapping = toml::from_str(
            "preset = \"segment\"\ntime = \"at\"\nunit = \"who\"\nvariants = { A = \"calm\" }",
        )
        .unwrap();
        let both = flags.or(file);
        assert_eq!(
            (both.time.as_deref(), both.unit.as_deref()),
            (Some("when"), Some("who"))
        );
        assert_eq!(both.preset, Some(Preset::Segment));
        assert_eq!(both.variants["A"], "calm");
    }

    #[test]
    fn a_word_that_is_no_setting_is_refused_with_its_line() {
        let error = toml::from_str::<Mapping>("time = \"at\"\nwho = \"x\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("line 2") && error.contains("`who`"), "{error}");
    }
}
