//! The decision on one event.

use std::sync::Arc;

use tiltwise_core::{
    check::{Again, claim},
    event::{
        Body, Event, EventBatch, Exposure, Fact, LoggedEvent, LoggedOutcome, MAX_EVENT_BYTES, Outcome,
        Quarantine,
    },
    hash::Unit,
    id::{Pseudonym, UnitKind, Visitor},
    snapshot::{Experiment, Phase, SnapshotContent},
};

use super::{Arrival, Models, Reject};
use crate::{
    keys::{BatchId, KeysError, Masks, PseudonymError, Pseudonyms},
    log::{EventsWriter, SeenKey},
};

/// An event that is to be written.
pub(super) struct Admitted {
    /// Its first id: it has one for each unit that it is written under.
    pub(super) id: [u8; 16],
    /// The version that it names.
    pub(super) names: Option<u64>,
    pub(super) quarantine: Quarantine,
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

/// Takes the events of one batch. Neighbours most often have a visitor and a model in common, so what was found out for
/// the last event is kept for the next, and forgotten with the batch.
pub(super) struct Gate<'a> {
    batch: &'a EventBatch<'a>,
    arrival: Arrival,
    models: &'a dyn Models,
    pseudonyms: &'a Pseudonyms,
    /// What the batch is called, where it has a session.
    pub(super) batch_id: Option<BatchId>,
    masks: Masks<'a>,
    visitor: Option<(Visitor, Pseudonym)>,
    model: Option<Named>,
    again: Again,
}

/// A model that an exposure names.
struct Named {
    model: u64,
    published_ms: u64,
    /// What it says or, once it is not held any more, what the newest says: revisions mostly outlive models.
    definition: Option<Arc<SnapshotContent>>,
    is_held: bool,
}

/// Who an event is about, when it happened, and what it is called.
struct Told<'e> {
    index: usize,
    own_id: &'e str,
    visitor: Option<Visitor>,
    account: &'e str,
    at_ms: u64,
}

/// When an event happened by the collector's clock. Of the sender's clock only a difference counts, so it may be days off.
fn at_ms(made_ms: u64, sent_ms: u64, received_ms: u64) -> u64 {
    if made_ms == 0 {
        received_ms
    } else {
        received_ms.saturating_sub(sent_ms.saturating_sub(made_ms))
    }
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        batch: &'a EventBatch<'a>,
        arrival: Arrival,
        models: &'a dyn Models,
        pseudonyms: &'a Pseudonyms,
    ) -> Self {
        Self {
            batch,
            arrival,
            models,
            pseudonyms,
            batch_id: (!batch.session.is_empty()).then(|| pseudonyms.batch_id(batch.session, batch.sequence)),
            masks: pseudonyms.masks(),
            visitor: None,
            model: None,
            again: Again::default(),
        }
    }

    /// Writes what is to be logged of the event, or nothing where it is refused.
    pub(super) fn admit(
        &mut self,
        bytes: &[u8],
        index: usize,
        into: &mut EventsWriter,
    ) -> Result<Admitted, Refusal> {
        if bytes.len() > self.arrival.event_bytes.min(MAX_EVENT_BYTES) {
            return Err(Reject::TooLarge.into());
        }
        let event = Event::decode(bytes).map_err(Reject::Malformed)?;
        let told = Told {
            index,
            own_id: event.id,
            visitor: event.visitor.or(self.batch.visitor),
            account: if event.account.is_empty() {
                self.batch.account
            } else {
                event.account
            },
            at_ms: at_ms(event.made_ms, self.batch.sent_ms, self.arrival.received_ms),
        };
        match event.body {
            Body::Exposure(exposure) => self.exposure(&told, exposure, into),
            Body::Outcome(outcome) => self.outcome(told, outcome, into),
        }
    }

    /// By which an event is known when it comes again by itself. A copy from a more trusted sender is written too: only the
    /// join knows which senders a metric believes.
    pub(super) fn key(&self, id: &[u8; 16]) -> SeenKey {
        self.pseudonyms
            .event_id(&[b"seen", id, &[self.arrival.tier as u8]])
    }

    fn exposure(
        &mut self,
        told: &Told<'_>,
        mut exposure: Exposure,
        into: &mut EventsWriter,
    ) -> Result<Admitted, Refusal> {
        if self
            .model
            .as_ref()
            .is_none_or(|named| named.model != exposure.model)
        {
            self.model = Some(named(self.models, exposure.model)?);
        }
        let Some(named) = &self.model else {
            return Err(Reject::UnknownModel.into());
        };
        let experiment = named
            .definition
            .iter()
            .flat_map(|content| &content.experiments)
            .find(|experiment| experiment.revision_id == exposure.revision)
            .ok_or(Reject::UnknownRevision)?;
        let raw = match experiment.revision.unit {
            UnitKind::Visitor => Unit::Visitor(told.visitor.as_ref().ok_or(Reject::NoUnit)?),
            UnitKind::Account if told.account.is_empty() => return Err(Reject::NoUnit.into()),
            UnitKind::Account => Unit::Account(told.account),
        };
        claim(experiment, raw, &exposure).map_err(Reject::Claim)?;
        // Without the named model at hand nothing can be said about its decision.
        let mut quarantine = if named.is_held && is_repeated(&mut self.again, experiment, &exposure) {
            Quarantine::None
        } else {
            Quarantine::Disagrees
        };
        if (self.arrival.gpc || self.batch.unpersonalized) && !exposure.slots.is_empty() {
            exposure.slots.clear();
            exposure.values_q10.clear();
            quarantine = Quarantine::Unpersonalized;
        }
        // Never before the model that decided it, so that no model holds what came after.
        let at_ms = told.at_ms.max(named.published_ms).min(self.arrival.received_ms);
        let unit = self.pseudonym(&raw)?;
        let id = self.id(told, unit, "exposure")?;
        exposure.draw ^= self.masks.of(&id);
        let model = exposure.model;
        into.push(&LoggedEvent {
            id,
            unit,
            received_ms: self.arrival.received_ms,
            at_ms,
            tier: self.arrival.tier,
            quarantine,
            fact: Fact::Exposure(exposure),
        });
        Ok(Admitted {
            id,
            names: Some(model),
            quarantine,
        })
    }

    fn outcome<'e>(
        &mut self,
        mut told: Told<'e>,
        outcome: Outcome<'e>,
        into: &mut EventsWriter,
    ) -> Result<Admitted, Refusal> {
        let is_currency = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !outcome.currency.is_empty() && !is_currency(outcome.currency) {
            return Err(Reject::Currency.into());
        }
        // An order number counts once, whoever sends it, so it comes before the sender's own id.
        if !outcome.id.is_empty() {
            told.own_id = outcome.id;
        }
        let visitor = told.visitor.as_ref().map(Unit::Visitor);
        let account = (!told.account.is_empty()).then_some(Unit::Account(told.account));
        let mut under = [None; 2];
        for (place, unit) in under.iter_mut().zip(visitor.into_iter().chain(account)) {
            let unit = self.pseudonym(&unit)?;
            *place = Some((unit, self.id(&told, unit, outcome.name)?));
        }
        let (_, first) = under.first().copied().flatten().ok_or(Reject::NoUnit)?;
        let mut logged = LoggedEvent {
            id: first,
            unit: Pseudonym::default(),
            received_ms: self.arrival.received_ms,
            at_ms: told.at_ms,
            tier: self.arrival.tier,
            quarantine: Quarantine::None,
            fact: Fact::Outcome(LoggedOutcome::new(outcome.name, outcome.value, outcome.currency)),
        };
        for (unit, id) in under.into_iter().flatten() {
            (logged.unit, logged.id) = (unit, id);
            into.push(&logged);
        }
        Ok(Admitted {
            id: first,
            names: None,
            quarantine: Quarantine::None,
        })
    }

    fn pseudonym(&mut self, unit: &Unit<'_>) -> Result<Pseudonym, PseudonymError> {
        let visitor = match unit {
            Unit::Account(account) => return Ok(self.pseudonyms.account(account)),
            Unit::Visitor(visitor) => *visitor,
        };
        match self.visitor {
            Some((last, pseudonym)) if last == *visitor => Ok(pseudonym),
            _ => {
                let pseudonym = self.pseudonyms.visitor(visitor, self.arrival.received_ms)?;
                self.visitor = Some((*visitor, pseudonym));
                Ok(pseudonym)
            }
        }
    }

    /// The event's id in the log: by the name its sender gave it, or by its place in the session.
    fn id(&self, told: &Told<'_>, unit: Pseudonym, name: &str) -> Result<[u8; 16], Reject> {
        if told.own_id.is_empty() {
            let batch = self.batch_id.as_ref().ok_or(Reject::NoId)?;
            return Ok(batch.event(told.index as u32));
        }
        let parts: [&[u8]; 4] = [b"named", &unit.0, name.as_bytes(), told.own_id.as_bytes()];
        Ok(self.pseudonyms.event_id(&parts))
    }
}

fn named(models: &dyn Models, model: u64) -> Result<Named, Reject> {
    let known = models.known(model).ok_or(Reject::UnknownModel)?;
    let is_held = known.content.is_some();
    Ok(Named {
        model,
        published_ms: known.version.published_ms,
        definition: known.content.or_else(|| models.newest()),
        is_held,
    })
}

/// Whether the named model would have decided this. While an experiment is paused or decided nobody is exposed.
fn is_repeated(again: &mut Again, experiment: &Experiment, exposure: &Exposure) -> bool {
    exposure.is_override() || (experiment.phase == Phase::Running && again.repeats(experiment, exposure))
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
