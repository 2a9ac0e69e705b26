//! A visitor at an edge: an id minted now, a session, and decisions by the core.

use rand::Rng;
use rand::RngExt;
use tiltwise_core::context::Context;
use tiltwise_core::decide::{Held, decide, prepare};
use tiltwise_core::event::Exposure;
use tiltwise_core::hash::Unit;
use tiltwise_core::id::Visitor;
use tiltwise_core::snapshot::Experiment;
use tiltwise_core::sticky::episode;

/// Somebody who has just come, and their session.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub visitor: Visitor,
    pub session: [u8; 16],
}

impl Arrival {
    /// Mints a visitor id and a session id.
    pub fn mint(now_ms: u64, chance: &mut impl Rng) -> Self {
        Self {
            visitor: Visitor::mint(now_ms, chance.random()),
            session: chance.random(),
        }
    }

    /// Decides one experiment as a page does: prepared for the context, then drawn for the unit.
    pub fn decide(
        &self,
        experiment: &Experiment,
        context: &Context,
        model: u64,
        now_ms: u64,
    ) -> Result<Exposure, Held> {
        let [a, b, c, d, e, f, g, h, ..] = self.session;
        let session = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let prepared = prepare(experiment, context, true);
        let episode = episode(&experiment.revision, now_ms, session);
        decide(
            experiment,
            &prepared,
            model,
            Unit::Visitor(&self.visitor),
            episode,
        )
    }
}
