//! Erasure is an event: it voids everything of the unit that was received up to its stamp.

use tiltwise_core::{
    event::{Fact, LoggedEvent, Quarantine},
    hash::Unit,
    id::{Pseudonym, Tier},
};

use crate::{
    keys::{PseudonymError, Pseudonyms},
    log::{Part, encode_events},
};

/// What is to be written for the erasure of a unit, and the unit's pseudonym.
pub fn erasure(
    unit: &Unit<'_>,
    received_ms: u64,
    pseudonyms: &Pseudonyms,
) -> Result<(Pseudonym, Part), PseudonymError> {
    let unit = match unit {
        Unit::Visitor(visitor) => pseudonyms.visitor(visitor, received_ms)?,
        Unit::Account(account) => pseudonyms.account(account),
    };
    let event = LoggedEvent {
        id: pseudonyms.event_id(&[b"erasure", &unit.0, &received_ms.to_le_bytes()]),
        unit,
        received_ms,
        at_ms: received_ms,
        tier: Tier::Server,
        quarantine: Quarantine::None,
        fact: Fact::Erasure,
    };
    Ok((
        unit,
        Part {
            key: None,
            events: encode_events([&event]),
        },
    ))
}
