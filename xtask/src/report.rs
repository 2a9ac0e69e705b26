//! Figures as JSON, for whoever asked with `--report FILE`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Writes the figures where they were asked for.
pub fn write(file: Option<&Path>, figures: &Value) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    fs::write(file, format!("{figures:#}\n")).with_context(|| format!("writing {}", file.display()))
}
