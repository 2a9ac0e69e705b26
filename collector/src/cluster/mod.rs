//! Several collectors of one site over one Kafka: one of them leads, all of them fold, and what one publishes all of them serve.
//!
//! * [`Company`] is what the rest of a collector sees of the others; [`Cluster`] is one of them.
//! * [`notes`] is what the topics `models` and `experiments` say, record by record; [`reader`] reads them, [`takers`] says what is
//!   done with it; [`board`] is what follows from `experiments`.
//! * [`seat`] says when it is time to lead; [`office`] is what a leader may, and what Kafka takes from it alone.
//!
//! What holds: everything that a hub shows was committed to `models` before. A version is its leader's epoch and a counter; an
//! epoch is greater than all that were read after the right to write was taken, so versions only grow, whoever leads. A revision
//! is in `experiments` before a snapshot that names it is in `models`. Nobody takes office whose trainer has counted less than the
//! newest snapshot holds.

#[cfg(feature = "kafka")]
mod board;
#[cfg(feature = "kafka")]
mod member;
#[cfg(feature = "kafka")]
mod notes;
#[cfg(feature = "kafka")]
mod office;
#[cfg(feature = "kafka")]
mod reader;
#[cfg(feature = "kafka")]
mod seat;
#[cfg(feature = "kafka")]
mod site;
#[cfg(feature = "kafka")]
mod takers;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;

use crate::experiments::Experiments;

#[cfg(feature = "kafka")]
pub use self::{
    member::{Cluster, Options},
    site::revisions_of,
};

/// The collectors of a site, as one of them sees them.
pub trait Company: Send + Sync {
    /// The experiments that hold.
    fn experiments(&self) -> Arc<Experiments>;

    /// Before where everything was read that they, and what was done to them, follow from.
    fn heard(&self) -> u64;

    /// Offers the text of an experiment file. An edit holds from now on, whatever held; what a collector only finds when it starts
    /// holds where the site has never seen it.
    fn offer(&self, text: &str, is_edit: bool) -> Result<Offer, String>;

    /// Shares the imports of this disk: what has come since `before` is told, what has gone is forgotten. Without a `before` this
    /// collector has only started: what was forgotten meanwhile is let go of here. Returns the names of what lies here now.
    fn share_imports(&self, before: Option<&BTreeSet<String>>) -> Result<BTreeSet<String>, String>;

    /// Waits until the snapshot that is served here says what holds here by now.
    fn wait_served(&self, patience: Duration) -> bool;

    /// What a person should know now, in sentences.
    fn warnings(&self) -> Vec<String>;

    /// Who leads, for people and programs.
    fn view(&self) -> Value;

    /// Leads no longer, and lets the others know.
    fn stop(&self);
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It holds from now on, for all collectors.
    Taken,
    /// It is what holds.
    Holds,
    /// It has held before, and another has since.
    Older,
    /// Nobody has led this site yet; who does first brings its own.
    Waits,
}

/// Whoever panicked while holding one of these left it as it was between two records.
#[cfg(feature = "kafka")]
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(feature = "kafka")]
fn random() -> [u8; 8] {
    let mut random = [0; 8];
    // Without randomness two names could be equal, and no two collectors act in one millisecond then.
    let _ = getrandom::fill(&mut random);
    random
}
