//! One JSON object a line.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::json;

use super::{Row, Sink};

pub struct Lines<W>(pub W);

impl<W: Write> Sink for Lines<W> {
    fn put(&mut self, row: &Row<'_>) -> io::Result<()> {
        writeln!(self.0, "{}", line(row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

/// Every warehouse reads RFC 3339 as a time; ids stay text, since none of their 64 bits may be lost in a double.
fn line(row: &Row<'_>) -> serde_json::Value {
    json!({
        "timestamp": time(row.decided_at_ms),
        "anonymous_id": hex::encode(row.unit.0),
        "experiment_id": row.experiment,
        "variation_id": row.variation,
        "propensity": row.propensity,
        "comparison_group": row.in_comparison_group,
        "outcome": row.outcome,
        "reward": row.reward,
        "outcomes": row.outcomes,
        "final": row.is_final,
        "revision": format!("{:016x}", row.revision.0),
        "model_version": row.model.to_string(),
    })
}

/// A time that no calendar has is no time.
pub fn time(ms: u64) -> Option<String> {
    let at = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(format!("{at:.3}"))
}
