//! What is really in the log: read from it, not from anybody's counters.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::child::Running;
use crate::site::Site;

/// How many distinct events the log holds, by their ids.
pub(super) fn distinct_events(site: &Site) -> Result<u64> {
    let mut tail = site.tiltwise();
    tail.arg("tail").stdout(Stdio::piped());
    let mut tail = Running::start(&mut tail)?;
    let lines = BufReader::new(tail.stdout().context("`tiltwise tail` has no output")?).lines();
    let mut ids = HashSet::new();
    for line in lines {
        let line = line?;
        let event: Value =
            serde_json::from_str(&line).with_context(|| format!("`tiltwise tail` said {line}"))?;
        if let Some(id) = event.get("id").and_then(Value::as_str) {
            ids.insert(id.to_owned());
        }
    }
    let status = tail.wait()?;
    ensure!(status.success(), "`tiltwise tail` ended with {status}");
    Ok(ids.len() as u64)
}
