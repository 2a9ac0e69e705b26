//! Which decisions are asked for.

/// By the time of the decision and by experiment; everything by default.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Not before this.
    pub since_ms: Option<u64>,
    /// Before this.
    pub until_ms: Option<u64>,
    /// Keys; none: all.
    pub experiments: Vec<String>,
}

impl Choice {
    pub(super) fn takes(&self, experiment: &str, decided_at_ms: u64) -> bool {
        let named = self.experiments.is_empty() || self.experiments.iter().any(|key| key == experiment);
        let since = self.since_ms.is_none_or(|ms| decided_at_ms >= ms);
        let until = self.until_ms.is_none_or(|ms| decided_at_ms < ms);
        named && since && until
    }
}
