//! Who publishes.

use super::{Hub, HubError};

/// Publishes what was fitted, in the terms in which it is this collector's turn.
pub trait Press: Send + Sync {
    /// The term that lasts now; none while another collector leads. What is published in a new term starts anew.
    fn term(&self) -> Option<u64>;

    /// Publishes an encoded snapshot content that holds everything received up to `through_ms` and, where experiments are shared,
    /// what was said of them before `heard`.
    fn publish(&self, content: &[u8], through_ms: u64, heard: u64) -> Result<(), HubError>;

    /// Says that what was published last holds what was said before `heard` as well.
    fn serves(&self, heard: u64);

    /// Says that everything received up to this time is counted here.
    fn counted(&self, through_ms: u64);
}

/// A hub by itself, whose turn it always is.
impl Press for Hub {
    fn term(&self) -> Option<u64> {
        Some(0)
    }

    fn publish(&self, content: &[u8], through_ms: u64, _heard: u64) -> Result<(), HubError> {
        Self::publish(self, content, through_ms).map(|_| ())
    }

    fn serves(&self, _heard: u64) {}

    fn counted(&self, _through_ms: u64) {}
}
