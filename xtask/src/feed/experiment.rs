//! The experiment that a data set is: its arms are the classes, its attributes the columns.

use toml::{Table as Toml, Value};

use super::table::{Column, Table};

/// The outcome of a visitor whose arm was right.
pub const RIGHT: &str = "right";

/// How long a right answer counts. It follows its exposure at once, and the model is sure of an arm's delays once a window
/// has passed: a long one would have the feed wait for answers that never come late.
const WINDOW: &str = "1s";

/// The experiment file for some data sets.
pub fn file(tables: &[Table]) -> String {
    let experiments = tables
        .iter()
        .map(|table| Value::Table(experiment(table)))
        .collect();
    Toml::from_iter([("experiment".to_owned(), Value::Array(experiments))]).to_string()
}

fn experiment(table: &Table) -> Toml {
    let arm = |arm: usize| {
        Value::Table(Toml::from_iter([
            ("key".to_owned(), Value::from(arm.to_string())),
            ("value".to_owned(), Value::from(arm as i64)),
        ]))
    };
    let attributes = table
        .columns
        .iter()
        .map(|(name, column)| attribute(name, column))
        .collect();
    let policy = [
        ("kind", Value::from("contextual")),
        ("attributes", Value::Array(attributes)),
    ];
    let metric = [("event", Value::from(RIGHT)), ("window", Value::from(WINDOW))];
    let entries = [
        ("key", Value::from(table.key.clone())),
        ("name", Value::from(table.key.clone())),
        ("unit", Value::from("visitor")),
        ("control", Value::from("0")),
        ("variants", Value::Array((0..table.arms).map(arm).collect())),
        ("policy", inline(policy)),
        ("metric", inline(metric)),
        // All rows count, so nobody stays on an even split.
        ("comparison_group", Value::from(0.0)),
    ];
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn attribute(name: &str, column: &Column) -> Value {
    match column {
        Column::Categorical => Value::from(name),
        // One value only: no cut tells anything, and the attribute as a category is that one slot.
        Column::Numeric { cuts } if cuts.is_empty() => Value::from(name),
        Column::Numeric { cuts } => inline([
            ("name", Value::from(name)),
            (
                "cuts",
                Value::Array(cuts.iter().copied().map(Value::from).collect()),
            ),
        ]),
    }
}

fn inline<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}
