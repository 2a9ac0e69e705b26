//! One visitor, as an edge would be for it.

use tiltwise_core::context::Context;
use tiltwise_core::decide::{decide, prepare};
use tiltwise_core::event::{Body, Event, EventBatch, Outcome};
use tiltwise_core::hash::Unit;
use tiltwise_core::id::Visitor;

use crate::site::Site;

/// A visitor of whom nothing is known.
pub fn visit(site: &Site, number: u64, acts: impl Fn(u32) -> Option<&'static str>) -> Visitor {
    visit_as(site, number, &Context::new(), acts)
}

/// One of whom something is.
pub fn visit_as(
    site: &Site,
    number: u64,
    context: &Context,
    acts: impl Fn(u32) -> Option<&'static str>,
) -> Visitor {
    come(site, number, context, |_| false, acts)
}

/// Nothing is ever heard of those that saw an arm for which `is_lost`.
pub fn visit_on_a_poor_line(
    site: &Site,
    number: u64,
    is_lost: impl Fn(u32) -> bool,
    acts: impl Fn(u32) -> Option<&'static str>,
) -> Visitor {
    come(site, number, &Context::new(), is_lost, acts)
}

/// A visitor decides with the newest snapshot, sees the arm, and does what `acts` says.
fn come(
    site: &Site,
    number: u64,
    context: &Context,
    is_lost: impl Fn(u32) -> bool,
    acts: impl Fn(u32) -> Option<&'static str>,
) -> Visitor {
    let now_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let mut random = [7; 16];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let visitor = Visitor::mint(now_ms, random);
    let (version, content) = site.snapshot();
    let experiment = &content.experiments[0];
    let prepared = prepare(experiment, context, true);
    // Paused: there is nothing to see.
    let Ok(exposure) = decide(experiment, &prepared, version, Unit::Visitor(&visitor), 0) else {
        return visitor;
    };
    let arm = exposure.arm;
    if is_lost(arm) {
        return visitor;
    }
    let event = |body| {
        Event {
            made_ms: 0,
            body,
            id: "",
            visitor: None,
            account: "",
        }
        .encode()
    };
    let mut events = vec![event(Body::Exposure(exposure))];
    if let Some(name) = acts(arm) {
        events.push(event(Body::Outcome(Outcome {
            name,
            ..Outcome::default()
        })));
    }
    let batch = EventBatch {
        session: &random,
        sent_ms: now_ms,
        visitor: Some(visitor),
        events: events.iter().map(Vec::as_slice).collect(),
        ..EventBatch::default()
    };
    let answer = site.post(&batch.encode());
    // All accepted: nothing needs to be said.
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    visitor
}
