//! History: what was known before the experiment, from files of other tools, as a discounted start.
//!
//! * [`mapping`] says which column means what, by flags, a file or a [`preset`]; [`table`] reads CSV and JSON lines.
//! * [`read`] turns rows into decisions and outcomes; what does not is counted by reason in a [`tally`], with its lines.
//! * [`choice`] says how the variants were chosen, and so what the rows may say of them; it refuses what may say nothing.
//! * [`fold`] joins and sums with the same encoder and the same fold as the running experiment's events.
//! * [`store`] keeps the sums, a file for each import, named by its content; a running collector notices. [`shared`] is what
//!   several collectors of one site ask of it.
//!
//! What holds: history never enters the sums that results are read from, only the model's start. A unit is replaced by a
//! keyed hash as its row is read, under a key that is forgotten when the command ends; what is kept are sums alone.

pub mod choice;
pub mod fold;
pub mod mapping;
mod names;
pub mod preset;
pub mod read;
mod shared;
pub mod store;
pub mod table;
pub mod tally;
pub mod time;

use tiltwise_core::features::Features;

pub use choice::Choice;
pub use mapping::Mapping;
pub use shared::is_name;
pub use store::{About, Histories, Kept, Shelf};
pub use tally::{Reason, Tally};

/// What stands for a unit while one file is read.
pub type UnitId = [u8; 16];

/// "This unit was shown this variant."
#[derive(Clone, Debug)]
pub struct Decision {
    pub unit: UnitId,
    pub at_ms: u64,
    pub line: u64,
    pub arm: u8,
    /// By what its propensity was, see [`choice::class_of`].
    pub class: u8,
    /// Its place in [`Rows::features`].
    pub features: u32,
    /// Where the row brings its own outcome along.
    pub outcome: Option<Outcome>,
}

/// Something that the optimised metric counts, or might.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    pub at_ms: u64,
    pub value: f64,
    /// Two with one id are one.
    pub id: [u8; 16],
}

/// What was read of a file.
#[derive(Debug, Default)]
pub struct Rows {
    pub decisions: Vec<Decision>,
    pub outcomes: Vec<(UnitId, Outcome)>,
    pub features: Vec<Features>,
    /// Each row brings its own outcome along; otherwise outcomes are rows of their own, joined by unit.
    pub whole_rows: bool,
    /// The times of the first and the last row that has one.
    pub first_ms: u64,
    pub last_ms: u64,
}
