//! What visitors do, as their edges tell it: batches of exposures and outcomes, each with what it does to the books.
//!
//! Every batch keeps the stamps of its first sending, as a page's clock made them. So whenever it arrives, the distances
//! between its events are known here to the millisecond, and with them what counts.

use rand::{Rng, RngExt, rngs::SmallRng};
use tiltwise_core::{
    context::{Context, ContextValue},
    decide,
    event::{Body, Event, EventBatch, Exposure, Outcome},
    hash::Unit,
    id::Visitor,
    snapshot::SnapshotContent,
};

use crate::{
    books::{Entry, LATENESS_MS, RULES, Rules},
    site::now_ms,
};

/// Visits in a batch.
const VISITS: u32 = 3;
/// Some outcomes come before the exposure, at most so long, and then count for nothing.
const BEFORE_MS: u64 = 300;

/// A snapshot as an edge holds it.
pub struct Held {
    pub version: u64,
    pub content: SnapshotContent,
    /// When it came: after it was published.
    pub since_ms: u64,
}

/// By what the collector names an event in its log.
#[derive(Debug, Clone)]
pub enum Name {
    /// Its place: session, sequence, index.
    Place([u8; 16], u32, u32),
    /// Its unit, the outcome's name, and the sender's own id.
    Own(Visitor, &'static str, String),
}

/// An exposure whose visitor may come back.
#[derive(Debug, Clone)]
pub struct Seen {
    pub visitor: Visitor,
    pub episode: u64,
    pub shown_ms: u64,
    exposure: Exposure,
}

#[derive(Debug, Clone)]
pub struct Batch {
    pub bytes: Vec<u8>,
    pub names: Vec<Name>,
    pub entries: Vec<Entry>,
    /// For every entry, which of the names is the event that it comes from.
    pub proofs: Vec<usize>,
    pub seen: Vec<Seen>,
    /// How many of its exposures come too late to count.
    pub late: u64,
}

/// A batch in the making.
struct Draft<'a> {
    rng: &'a mut SmallRng,
    held: &'a Held,
    place: ([u8; 16], u32),
    sent_ms: u64,
    events: Vec<Vec<u8>>,
    batch: Batch,
}

/// Makes the next batch of a session: new visitors, and perhaps one that was `seen` a moment ago.
pub fn batch(rng: &mut SmallRng, held: &Held, place: ([u8; 16], u32), seen: Option<&Seen>) -> Batch {
    let mut draft = Draft {
        rng,
        held,
        place,
        sent_ms: now_ms(),
        events: Vec::new(),
        batch: Batch {
            bytes: Vec::new(),
            names: Vec::new(),
            entries: Vec::new(),
            proofs: Vec::new(),
            seen: Vec::new(),
            late: 0,
        },
    };
    for _ in 0..VISITS {
        draft.visit();
    }
    if let Some(seen) = seen {
        draft.come_back(seen);
    }
    draft.finish()
}

impl Draft<'_> {
    fn visit(&mut self) {
        let mut random = [0; 16];
        self.rng.fill_bytes(&mut random);
        let visitor = Visitor::mint(self.sent_ms, random);
        let mut context = Context::new();
        let device = if self.rng.random_bool(0.5) {
            "phone"
        } else {
            "desktop"
        };
        context.set("device", ContextValue::Text(device.to_owned()));
        for (rules, experiment) in self.held.content.experiments.iter().enumerate() {
            assert_eq!(experiment.revision.key, RULES[rules].key);
            let episode = self.rng.next_u64();
            let prepared = decide::prepare(experiment, &context, true);
            let unit = Unit::Visitor(&visitor);
            let exposure = decide::decide(experiment, &prepared, self.held.version, unit, episode).unwrap();
            self.show(rules, visitor, exposure);
        }
    }

    /// One exposure and what follows it.
    fn show(&mut self, rules: usize, visitor: Visitor, exposure: Exposure) {
        // No decision is older than its snapshot.
        let oldest_ms = self.sent_ms - self.held.since_ms;
        let is_late = oldest_ms > LATENESS_MS && self.rng.random_ratio(1, 12);
        let age_ms = if is_late {
            self.rng
                .random_range(LATENESS_MS + 1..=oldest_ms.min(LATENESS_MS * 2))
        } else {
            self.rng.random_range(0..=oldest_ms.min(LATENESS_MS))
        };
        let (episode, arm) = (exposure.episode, exposure.arm);
        let shown_ms = self.sent_ms - age_ms;
        if is_late {
            self.batch.late += 1;
        } else {
            self.batch.entries.push(Entry::Shown { episode, rules, arm });
            self.batch.proofs.push(self.batch.names.len());
            if rules == 0 {
                self.batch.seen.push(Seen {
                    visitor,
                    episode,
                    shown_ms,
                    exposure: exposure.clone(),
                });
            }
        }
        self.push(visitor, shown_ms, Body::Exposure(exposure));
        // The second arm is the better one, so that there is something to learn.
        for _ in 0..self.rng.random_range(0..=1 + arm.min(1)) {
            let from_ms = if self.rng.random_ratio(1, 6) {
                shown_ms - BEFORE_MS
            } else {
                shown_ms
            };
            let at_ms = self.rng.random_range(from_ms..=self.sent_ms);
            let counts = !is_late && (shown_ms..=shown_ms + RULES[rules].window_ms).contains(&at_ms);
            self.reward(rules, visitor, episode, at_ms, counts);
        }
    }

    /// An outcome; sometimes under an order number, and then sometimes twice.
    fn reward(&mut self, rules: usize, visitor: Visitor, episode: u64, at_ms: u64, counts: bool) {
        let (order, cents) = (self.rng.next_u64(), self.rng.random_range(0..7_000u64));
        let Rules { event, cap_cents, .. } = &RULES[rules];
        let id = if cap_cents.is_some() && self.rng.random_bool(0.5) {
            format!("order-{order:016x}")
        } else {
            String::new()
        };
        let outcome = Outcome {
            name: event,
            value: cents as f64 / 100.0,
            currency: if cap_cents.is_some() { "EUR" } else { "" },
            id: &id,
        };
        let copies = if id.is_empty() {
            1
        } else {
            self.rng.random_range(1..=2)
        };
        for _ in 0..copies {
            self.push(visitor, at_ms, Body::Outcome(outcome));
        }
        if counts {
            self.batch.entries.push(Entry::Rewarded {
                episode,
                order,
                cents,
            });
            self.batch.proofs.push(self.batch.names.len() - 1);
        }
    }

    /// A visitor comes back well within the window: signs up, or is shown the same once more, which counts for nothing.
    fn come_back(&mut self, seen: &Seen) {
        if self.rng.random_bool(0.7) {
            self.reward(0, seen.visitor, seen.episode, self.sent_ms, true);
        } else {
            let again = Body::Exposure(seen.exposure.clone());
            self.push(seen.visitor, self.sent_ms, again);
        }
    }

    fn push(&mut self, visitor: Visitor, made_ms: u64, body: Body<'_>) {
        let (session, sequence) = self.place;
        self.batch.names.push(match &body {
            Body::Outcome(Outcome { id, name, .. }) if !id.is_empty() => {
                let event = RULES.iter().find(|rules| rules.event == *name).unwrap().event;
                Name::Own(visitor, event, (*id).to_owned())
            }
            _ => Name::Place(session, sequence, self.events.len() as u32),
        });
        let event = Event {
            made_ms,
            body,
            id: "",
            visitor: Some(visitor),
            account: "",
        };
        self.events.push(event.encode());
    }

    fn finish(mut self) -> Batch {
        let (session, sequence) = &self.place;
        self.batch.bytes = EventBatch {
            session,
            sequence: *sequence,
            sent_ms: self.sent_ms,
            events: self.events.iter().map(Vec::as_slice).collect(),
            ..EventBatch::default()
        }
        .encode();
        self.batch
    }
}
