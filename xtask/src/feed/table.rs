//! A data set as a stream of visitors: `label,uniform,<attribute>…`, a row a visitor.
//!
//! The label is the one arm that is right. The column `uniform` serves learners without an own source of chance: an
//! offline run draws its arms with it, and where visitors have a keyed draw of their own nobody looks at it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use tiltwise_core::context::{Context, ContextValue};

/// Cut points come from so many first rows, as a fitter that has seen no more would choose them.
pub const ROWS_FOR_CUTS: usize = 500;
/// Whole numbers without a decimal point are the names of categories where there are at most so many.
const MOST_CODES: usize = 64;
/// A numeric attribute is cut at the inner sixteenths of those rows.
const BINS: usize = 16;

/// What a column holds, told from its content.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Every value is a number, and not one of a few codes: cut into bins here.
    Numeric {
        cuts: Vec<f64>,
    },
    Categorical,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub label: usize,
    /// In [0, 1).
    pub uniform: f64,
    /// As written; an empty one is missing.
    values: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Table {
    /// From the file's name, in the letters that an experiment's key may have.
    pub key: String,
    pub columns: Vec<(String, Column)>,
    pub rows: Vec<Row>,
    pub arms: usize,
}

impl Table {
    pub fn read(path: &Path) -> Result<Self> {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&name, &text).with_context(|| path.display().to_string())
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers()?.clone();
        if header.get(0) != Some("label") || header.get(1) != Some("uniform") {
            bail!("the header is not label,uniform,…: only files that export.py writes can be fed");
        }
        let names: Vec<String> = header.iter().skip(2).map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let label = record.get(0).unwrap_or_default();
            let label = label
                .parse()
                .with_context(|| format!("row {}: label {label:?}", rows.len() + 1))?;
            let uniform = record.get(1).unwrap_or_default();
            let uniform = uniform
                .parse()
                .with_context(|| format!("row {}: uniform {uniform:?}", rows.len() + 1))?;
            rows.push(Row {
                label,
                uniform,
                values: record.iter().skip(2).map(str::to_owned).collect(),
            });
        }
        let arms = rows.iter().map(|row| row.label + 1).max().unwrap_or(0);
        ensure!(
            arms >= 2,
            "fewer than two different labels: there is nothing to choose"
        );
        let column = |place| Column::of(rows.iter().filter_map(|row: &Row| row.values.get(place)));
        let columns = names
            .iter()
            .enumerate()
            .map(|(place, name)| (name.clone(), column(place)))
            .collect();
        let key = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        Ok(Self {
            key,
            columns,
            rows,
            arms,
        })
    }

    /// What the page of this row's visitor knows.
    pub fn context(&self, row: &Row) -> Context {
        let mut context = Context::new();
        for ((name, column), value) in self.columns.iter().zip(&row.values) {
            match column {
                _ if value.is_empty() => {}
                Column::Categorical => context.set(name, ContextValue::Text(value.clone())),
                Column::Numeric { .. } => {
                    if let Ok(number) = value.parse() {
                        context.set(name, ContextValue::Number(number));
                    }
                }
            }
        }
        context
    }

    /// The numbers in the first rows of a column.
    pub fn first_numbers(&self, column: usize) -> Vec<f64> {
        self.rows
            .iter()
            .take(ROWS_FOR_CUTS)
            .filter_map(|row| row.values.get(column))
            .filter_map(|value| number(value))
            .collect()
    }

    /// Mean reward of showing everybody the arm that is right most often.
    pub fn best_single_arm(&self) -> f64 {
        let mut right = vec![0_usize; self.arms];
        for row in &self.rows {
            if let Some(count) = right.get_mut(row.label) {
                *count += 1;
            }
        }
        right.into_iter().max().unwrap_or(0) as f64 / self.rows.len().max(1) as f64
    }
}

impl Column {
    fn of<'a>(values: impl Iterator<Item = &'a String> + Clone) -> Self {
        let mut present = values.clone().filter(|value| !value.is_empty());
        if present.any(|value| number(value).is_none()) || are_codes(values.clone()) {
            return Self::Categorical;
        }
        let mut first: Vec<f64> = values
            .take(ROWS_FOR_CUTS)
            .filter_map(|value| number(value))
            .collect();
        first.sort_unstable_by(f64::total_cmp);
        Self::Numeric { cuts: cuts(&first) }
    }
}

fn number(value: &str) -> Option<f64> {
    value.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether the numbers are names: few, and each written without a decimal point. Plot 7 and month 12 are, 7.0 is not.
fn are_codes<'a>(values: impl Iterator<Item = &'a String>) -> bool {
    let mut codes = BTreeSet::new();
    for value in values.filter(|value| !value.is_empty()) {
        if !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        codes.insert(value.as_str());
    }
    codes.len() <= MOST_CODES
}

/// The inner sixteenths of sorted values, each once. A cut at the least value would leave an empty bin below it.
fn cuts(sorted: &[f64]) -> Vec<f64> {
    let sixteenth = |k: usize| sorted.get(k * sorted.len() / BINS).copied();
    let mut cuts: Vec<f64> = (1..BINS)
        .filter_map(sixteenth)
        .filter(|cut| Some(cut) != sorted.first())
        .collect();
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "label,uniform,size,colour\n0,.1,1.5,red\n2,.2,,blue\n2,.3,4.0,7\n";

    #[test]
    fn a_column_is_numeric_where_every_value_is_a_number() {
        let table = Table::parse("ducks.0", CSV).unwrap();
        assert!(matches!(table.columns[0].1, Column::Numeric { .. }));
        assert_eq!(table.columns[1].1, Column::Categorical);
        assert_eq!(
            (table.key.as_str(), table.arms, table.rows.len()),
            ("ducks-0", 3, 3)
        );
    }

    #[test]
    fn whole_numbers_of_which_there_are_few_are_names() {
        let column = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
            Column::of(values.iter())
        };
        assert_eq!(column(&["7", "", "12"]), Column::Categorical);
        assert!(matches!(column(&["7", "12.5"]), Column::Numeric { .. }));
        let many: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        assert!(matches!(Column::of(many.iter()), Column::Numeric { .. }));
    }

    #[test]
    fn a_missing_value_is_absent_from_the_context() {
        let table = Table::parse("ducks", CSV).unwrap();
        let context = table.context(&table.rows[1]);
        assert_eq!(context.get("size"), None);
        assert_eq!(context.get("colour"), Some(&ContextValue::Text("blue".into())));
    }

    #[test]
    fn the_best_single_arm_is_right_as_often_as_its_label_occurs() {
        assert!((Table::parse("ducks", CSV).unwrap().best_single_arm() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn few_distinct_values_give_a_bin_each_and_none_is_empty() {
        let sorted: Vec<f64> = (0..100).map(|i| f64::from(i / 60)).collect();
        assert_eq!(cuts(&sorted), [1.0]);
        let even: Vec<f64> = (0..1_600).map(f64::from).collect();
        assert_eq!(cuts(&even).len(), 15);
        assert_eq!(cuts(&even)[..3], [100.0, 200.0, 300.0]);
    }
}
