//! The decision on one event.

use tiltwise_core::{
    check::{claim, repeats},
    event::{
        Body, Event, EventBatch, Exposure, Fact, LoggedEvent, LoggedOutcome, MAX_EVENT_BYTES, Outcome,
        Quarantine,
    },
    hash::Unit,
    id::{Pseudonym, UnitKind, Visitor},
    snapshot::{Experiment, Phase},
};

use super::{Arrival, Models, Reject};
use crate::{
    keys::{KeysError, PseudonymError, Pseudonyms},
    log::SeenKey,
};

/// An event that is to be written.
pub(super) struct Admitted {
    /// One for each unit that it is written under.
    pub(super) logged: Vec<LoggedEvent>,
    /// By which the same event is known when it comes again by itself.
    pub(super) key: SeenKey,
    /// The version that it names.
    pub(super) names: Option<u64>,
}

pub(super) enum Refusal {
    Reject(Reject),
    Keys(KeysError),
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<PseudonymError> for Refusal {
    fn from(error: PseudonymError) -> Self {
        match error {
            PseudonymError::FromTheFuture { .. } => Self::Reject(Reject::VisitorFromTheFuture),
            PseudonymError::TooOld { .. } => Self::Reject(Reject::VisitorTooOld),
            PseudonymError::Forgotten { .. } => Self::Reject(Reject::VisitorForgotten),
            PseudonymError::Keys(error) => Self::Keys(error),
        }
    }
}

/// What the parts of a decision share.
struct Gate<'a> {
    index: usize,
    batch: &'a EventBatch<'a>,
    arrival: Arrival,
    models: &'a dyn Models,
    pseudonyms: &'a Pseudonyms,
    visitor: Option<Visitor>,
    account: &'a str,
    at_ms: u64,
}

pub(super) fn admit<'a>(
    bytes: &'a [u8],
    index: usize,
    batch: &'a EventBatch<'a>,
    arrival: Arrival,
    models: &'a dyn Models,
    pseudonyms: &'a Pseudonyms,
) -> Result<Admitted, Refusal> {
    if bytes.len() > arrival.event_bytes.min(MAX_EVENT_BYTES) {
        return Err(Reject::TooLarge.into());
    }
    let event = Event::decode(bytes).map_err(Reject::Malformed)?;
    let account = if event.account.is_empty() {
        batch.account
    } else {
        event.account
    };
    let gate = Gate {
        index,
        batch,
        arrival,
        models,
        pseudonyms,
        visitor: event.visitor.or(batch.visitor),
        account,
        at_ms: at_ms(event.made_ms, batch.sent_ms, arrival.received_ms),
    };
    match event.body {
        Body::Exposure(exposure) => gate.exposure(event.id, exposure),
        Body::Outcome(outcome) => gate.outcome(event.id, outcome),
    }
}

/// When an event happened by the collector's clock. Of the sender's clock only a difference counts, so it may be days off.
fn at_ms(made_ms: u64, sent_ms: u64, received_ms: u64) -> u64 {
    if made_ms == 0 {
        received_ms
    } else {
        received_ms.saturating_sub(sent_ms.saturating_sub(made_ms))
    }
}

impl Gate<'_> {
    fn exposure(&self, own_id: &str, mut exposure: Exposure) -> Result<Admitted, Refusal> {
        let version = self.models.version(exposure.model).ok_or(Reject::UnknownModel)?;
        let named = self.models.content(exposure.model);
        let definition = named.clone().or_else(|| self.models.newest());
        let experiments = definition
            .as_ref()
            .map_or(&[][..], |content| &content.experiments);
        let experiment = experiments
            .iter()
            .find(|experiment| experiment.revision_id == exposure.revision)
            .ok_or(Reject::UnknownRevision)?;
        let raw = match experiment.revision.unit {
            UnitKind::Visitor => Unit::Visitor(self.visitor.as_ref().ok_or(Reject::NoUnit)?),
            UnitKind::Account if self.account.is_empty() => return Err(Reject::NoUnit.into()),
            UnitKind::Account => Unit::Account(self.account),
        };
        claim(experiment, raw, &exposure).map_err(Reject::Claim)?;
        // Without the named model at hand nothing can be said about its decision.
        let is_repeated = named.is_some() && is_repeated(experiment, &exposure);
        let mut quarantine = if is_repeated {
            Quarantine::None
        } else {
            Quarantine::Disagrees
        };
        if (self.arrival.gpc || self.batch.unpersonalized) && !exposure.slots.is_empty() {
            exposure.slots.clear();
            exposure.values_q10.clear();
            quarantine = Quarantine::Unpersonalized;
        }
        let unit = self.pseudonym(&raw)?;
        let id = self.id(unit, "exposure", own_id)?;
        exposure.draw ^= self.pseudonyms.mask(&id);
        let names = Some(exposure.model);
        let logged = LoggedEvent {
            id,
            unit,
            received_ms: self.arrival.received_ms,
            // Never before the model that decided it, so that no model holds what came after.
            at_ms: self.at_ms.max(version.published_ms).min(self.arrival.received_ms),
            tier: self.arrival.tier,
            quarantine,
            fact: Fact::Exposure(exposure),
        };
        Ok(Admitted {
            key: self.key(&id),
            logged: vec![logged],
            names,
        })
    }

    fn outcome(&self, own_id: &str, outcome: Outcome<'_>) -> Result<Admitted, Refusal> {
        let is_currency = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !outcome.currency.is_empty() && !is_currency(outcome.currency) {
            return Err(Reject::Currency.into());
        }
        let mut logged = Vec::with_capacity(2);
        let visitor = self.visitor.as_ref().map(Unit::Visitor);
        let account = (!self.account.is_empty()).then_some(Unit::Account(self.account));
        // An order number counts once, whoever sends it, so it comes before the sender's own id.
        let own_id = if outcome.id.is_empty() { own_id } else { outcome.id };
        for unit in visitor.into_iter().chain(account) {
            let unit = self.pseudonym(&unit)?;
            logged.push(LoggedEvent {
                id: self.id(unit, outcome.name, own_id)?,
                unit,
                received_ms: self.arrival.received_ms,
                at_ms: self.at_ms,
                tier: self.arrival.tier,
                quarantine: Quarantine::None,
                fact: Fact::Outcome(LoggedOutcome::new(outcome.name, outcome.value, outcome.currency)),
            });
        }
        let first = logged.first().ok_or(Reject::NoUnit)?;
        Ok(Admitted {
            key: self.key(&first.id),
            logged,
            names: None,
        })
    }

    fn pseudonym(&self, unit: &Unit<'_>) -> Result<Pseudonym, PseudonymError> {
        match unit {
            Unit::Visitor(visitor) => self.pseudonyms.visitor(visitor, self.arrival.received_ms),
            Unit::Account(account) => Ok(self.pseudonyms.account(account)),
        }
    }

    /// The event's id in the log: by the name its sender gave it, or by its place in the session.
    fn id(&self, unit: Pseudonym, name: &str, own_id: &str) -> Result<[u8; 16], Reject> {
        if !own_id.is_empty() {
            return Ok(self
                .pseudonyms
                .event_id(&[b"named", &unit.0, name.as_bytes(), own_id.as_bytes()]));
        }
        if self.batch.session.is_empty() {
            return Err(Reject::NoId);
        }
        let (sequence, index) = (
            self.batch.sequence.to_le_bytes(),
            (self.index as u32).to_le_bytes(),
        );
        Ok(self
            .pseudonyms
            .event_id(&[b"session", self.batch.session, &sequence, &index]))
    }

    /// A copy from a more trusted sender is written too: only the join knows which senders a metric believes.
    fn key(&self, id: &[u8; 16]) -> SeenKey {
        self.pseudonyms
            .event_id(&[b"seen", id, &[self.arrival.tier as u8]])
    }
}

/// Whether the named model would have decided this. While an experiment is paused or decided nobody is exposed.
fn is_repeated(experiment: &Experiment, exposure: &Exposure) -> bool {
    exposure.is_override() || (experiment.phase == Phase::Running && repeats(experiment, exposure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_two_days_off_changes_nothing() {
        let received = 1_000_000_000;
        for off in [0, 172_800_000] {
            assert_eq!(
                at_ms(500_000_000 + off, 500_060_000 + off, received),
                received - 60_000
            );
        }
        assert_eq!(at_ms(500_060_001, 500_060_000, received), received);
        assert_eq!(at_ms(0, 500_060_000, received), received);
        assert_eq!(at_ms(1, u64::MAX, received), 0);
    }
}
