//! What was decided and what came of it, as rows for other tools: a warehouse, a notebook, another learner.
//!
//! * [`Row`] is one decision that counts, and [`rows`] finds them in what the trainer's own fold knows. So what is left out
//!   there (duplicates, quarantined and forced decisions, everything of an erased unit) is in no row, and the rows of a
//!   variant are as many, and bring as much, as its sums say.
//! * [`jsonl`] and, where this was built with that feature, [`parquet`] write them; both have the same columns.
//!
//! Reads no log and no clock: that is done by whoever calls.

mod choice;
pub mod jsonl;
#[cfg(feature = "parquet")]
pub mod parquet;
mod row;

pub use choice::Choice;
pub use row::{Left, Row, Rows, rows};

use std::io;

/// Takes rows in their order.
pub trait Sink {
    fn put(&mut self, row: &Row<'_>) -> io::Result<()>;

    /// Writes what is still held back. Without it a file may not be whole.
    fn finish(self: Box<Self>) -> io::Result<()>;
}
