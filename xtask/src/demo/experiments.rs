//! The shop's experiment file, as the demo serves it.

use std::fs;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::repo;

const FILE: &str = "web-demo/experiments.toml";

/// How fast the past is forgotten where the truth is to change: a fraction of the minute that is left to notice it.
const HALF_LIFE_UNDER_DRIFT: &str = "15s";

/// The file as it is, or with a short memory where the truth will drift.
pub fn text(drift: bool) -> Result<String> {
    let text = fs::read_to_string(repo::root().join(FILE)).with_context(|| format!("reading {FILE}"))?;
    if !drift {
        return Ok(text);
    }
    let mut file: Table = toml::from_str(&text).with_context(|| format!("reading {FILE}"))?;
    if let Some(Value::Array(experiments)) = file.get_mut("experiment") {
        for experiment in experiments.iter_mut().filter_map(Value::as_table_mut) {
            if experiment.contains_key("half_life") {
                experiment.insert("half_life".to_owned(), Value::from(HALF_LIFE_UNDER_DRIFT));
            }
        }
    }
    Ok(file.to_string())
}
