//! What the collector says about itself, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::config::{Diagnostics, Format};

/// Starts writing log lines; once a process.
pub fn start(settings: &Diagnostics) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|error| {
        anyhow::anyhow!(
            "diagnostics.level = {:?} is no level: {error}. Write \"info\", \"debug\" or \"warn\"",
            settings.level
        )
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match settings.format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("log lines cannot be started twice: {error}").into())
}
