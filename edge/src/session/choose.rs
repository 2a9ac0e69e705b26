//! Which arm is shown, and why.

use alloc::vec::Vec;

use tiltwise_core::decide::{Prepared, decide, draw, force};
use tiltwise_core::event::{Exposure, exposed};
use tiltwise_core::hash::Unit;
use tiltwise_core::id::UnitKind;
use tiltwise_core::revision::{Condition, Revision};
use tiltwise_core::snapshot::{Experiment, Phase};
use tiltwise_core::sticky::{episode, unit_tag};

use super::consent::Answer;
use super::person::Person;
use super::{Forced, Session};

/// Where an answer comes from. The numbers cross into JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Source {
    /// Nothing is known of this experiment: the caller's fallback.
    #[default]
    Fallback = 0,
    /// Drawn now, with the model of a snapshot that was fetched.
    Model = 1,
    /// Drawn now, with the model that came with the page.
    Bootstrap = 2,
    /// Drawn before, in the episode that still lasts.
    Sticky = 3,
    /// Somebody asked to see it.
    Override = 4,
    /// No draw: not targeted, out of traffic, paused or decided.
    Ineligible = 5,
    /// Measurement is denied: the control.
    Consent = 6,
}

/// What a page gets to know of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Choice {
    pub source: Source,
    /// `None`: the caller's fallback.
    pub arm: Option<u32>,
    /// In parts of 2^30; 0 where nothing was drawn.
    pub propensity_q30: u32,
    /// The version that decided; 0 where none did.
    pub model: u64,
    /// An exposure was made: this is the first time in its episode.
    pub exposed: bool,
}

impl Session {
    /// The arm to show for the experiment at this place of the snapshot.
    pub fn choose(&mut self, at: usize, now_ms: u64) -> Choice {
        let mut choice = Choice::default();
        self.choose_into(&mut choice, at, now_ms);
        choice
    }

    /// Returns early where all is said.
    fn choose_into(&mut self, choice: &mut Choice, at: usize, now_ms: u64) -> Option<()> {
        self.prepare(at);
        let current = self.current.as_ref()?;
        let experiment = current.content.experiments.get(at)?;
        let revision = &experiment.revision;
        let denied = self.consent.measurement == Answer::Denied;
        let unit = unit(&self.person, revision);
        let episode = episode(revision, now_ms, self.tag);

        if let Some((told, arm)) = forced(&mut self.forced, revision) {
            choice.source = Source::Override;
            choice.arm = Some(arm);
            choice.exposed = !denied && !core::mem::replace(told, true);
            if choice.exposed {
                let exposure = force(experiment, current.version, unit?, episode, arm)?;
                self.hold(exposed(now_ms, &exposure), false, now_ms);
            }
            return None;
        }
        if denied {
            choice.source = Source::Consent;
            choice.arm = Some(revision.control);
            return None;
        }
        choice.source = Source::Ineligible;
        choice.arm = match experiment.phase {
            Phase::Running => None,
            Phase::Paused => Some(revision.control),
            Phase::Decided { winner } => Some(winner),
        };
        if choice.arm.is_some() {
            return None;
        }
        let unit = unit?;
        let (_, prepared) = self.prepared.get(at)?;
        let tag = unit_tag(revision, unit);
        if let Some(kept) = self.memory.recall(revision, tag, now_ms, self.tag)
            && let Some(arm) = active_arm(experiment, &kept.variant)
        {
            choice.take(Source::Sticky, &kept.exposure);
            choice.arm = Some(arm);
            return None;
        }
        let exposure = decide(experiment, prepared, current.version, unit, episode).ok()?;
        let source = if current.bootstrap {
            Source::Bootstrap
        } else {
            Source::Model
        };
        choice.take(source, &exposure);
        choice.exposed = true;
        let read = self.consent.personal() != Answer::Denied;
        let attributed = read && (!exposure.slots.is_empty() || reads_attributes(&revision.when));
        let event = exposed(now_ms, &exposure);
        self.memory.keep(revision, tag, now_ms, exposure);
        self.hold(event, attributed, now_ms);
        None
    }

    /// The bytes of the exposure that holds for an experiment: what a page hands to a server that wants to check it.
    pub fn exposure(&self, at: usize, now_ms: u64) -> Option<Vec<u8>> {
        let revision = &self.current.as_ref()?.content.experiments.get(at)?.revision;
        let tag = unit_tag(revision, unit(&self.person, revision)?);
        let kept = self.memory.recall(revision, tag, now_ms, self.tag)?;
        Some(kept.exposure.encode())
    }

    /// Draws without showing, remembering or sending anything.
    pub fn peek(&mut self, at: usize, now_ms: u64) -> Option<u32> {
        self.prepare(at);
        let current = self.current.as_ref()?;
        let experiment = current.content.experiments.get(at)?;
        let unit = unit(&self.person, &experiment.revision)?;
        let episode = episode(&experiment.revision, now_ms, self.tag);
        let (_, prepared) = self.prepared.get(at)?;
        draw(experiment, prepared, unit, episode)
            .ok()
            .map(|drawn| drawn.arm)
    }

    fn prepare(&mut self, at: usize) {
        let Some(current) = &self.current else { return };
        if self.prepared.is_empty() {
            let nothing = || (None, Prepared::default());
            self.prepared
                .resize_with(current.content.experiments.len(), nothing);
        }
        let personalized = self.consent.personal() != Answer::Denied;
        if let (Some((known, prepared)), Some(experiment)) =
            (self.prepared.get_mut(at), current.content.experiments.get(at))
            && *known != Some(self.changes)
        {
            prepared.renew(experiment, &self.context, personalized);
            *known = Some(self.changes);
        }
    }
}

fn unit<'a>(person: &'a Person, revision: &Revision) -> Option<Unit<'a>> {
    match revision.unit {
        UnitKind::Visitor => Some(Unit::Visitor(&person.visitor)),
        UnitKind::Account => person.account.as_deref().map(Unit::Account),
    }
}

fn forced<'a>(forced: &'a mut [Forced], revision: &Revision) -> Option<(&'a mut bool, u32)> {
    let forced = forced.iter_mut().find(|f| f.experiment == revision.key)?;
    let arm = revision.variants.iter().position(|v| v.key == forced.variant)?;
    Some((&mut forced.told, arm as u32))
}

/// The place of a variant that still exists and has not been stopped.
fn active_arm(experiment: &Experiment, variant: &str) -> Option<u32> {
    let arm = experiment
        .revision
        .variants
        .iter()
        .position(|v| v.key == variant)?;
    experiment.is_active(arm).then_some(arm as u32)
}

/// Whether being eligible says something about the visitor.
fn reads_attributes(when: &Condition) -> bool {
    !matches!(when, Condition::All(children) if children.is_empty())
}

impl Choice {
    /// What an exposure says of it.
    fn take(&mut self, source: Source, exposure: &Exposure) {
        let propensity = exposure.propensities_q30.get(exposure.arm as usize);
        self.source = source;
        self.arm = Some(exposure.arm);
        self.propensity_q30 = propensity.copied().unwrap_or(0);
        self.model = exposure.model;
    }
}
