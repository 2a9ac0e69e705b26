//! The whole loop through the binary's own doors: decide, send, learn, erase, count again.

use std::time::{Duration, Instant};

use tiltwise_core::context::Context;
use tiltwise_core::decide::{decide, prepare};
use tiltwise_core::event::{Body, Event, EventBatch, Outcome};
use tiltwise_core::hash::Unit;
use tiltwise_core::id::Visitor;

use crate::site::Site;

/// A visitor decides with the newest snapshot, sees the arm, and signs up where `converts` says so.
fn visit(site: &Site, number: u64, converts: impl Fn(u32) -> bool) -> Visitor {
    let now_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let mut random = [7; 16];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let visitor = Visitor::mint(now_ms, random);
    let (version, content) = site.snapshot();
    let experiment = &content.experiments[0];
    let prepared = prepare(experiment, &Context::new(), true);
    let exposure = decide(experiment, &prepared, version, Unit::Visitor(&visitor), 0).unwrap();
    let arm = exposure.arm;
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
    if converts(arm) {
        events.push(event(Body::Outcome(Outcome {
            name: "signup",
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

fn folded(site: &Site, units: u64) -> serde_json::Value {
    let started = Instant::now();
    loop {
        let state = site.state();
        let shown = &state["experiments"][0]["units"];
        if shown["matured"].as_u64().unwrap() + shown["provisional"].as_u64().unwrap() == units {
            return state;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{state}");
    }
}

#[test]
fn what_visitors_do_becomes_a_model_can_be_erased_and_is_counted_again_to_the_same_bits() {
    let mut site = Site::start();
    for number in 0..240 {
        visit(&site, number, |arm| arm == 1);
    }
    site.wait_for("a model", |content| {
        !content.experiments[0].model.segments.is_empty()
    });
    let state = folded(&site, 240);
    let variants = &state["experiments"][0]["variants"];
    assert_eq!(variants[0]["conversions"], 0, "{state}");
    assert_eq!(variants[1]["conversions"], variants[1]["units"], "{state}");

    let url = format!("http://{}", site.admin);
    let canary = visit(&site, 4_711, |_| true);
    folded(&site, 241);
    let id: String = canary.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let said = site.run(&["erase", "--visitor", &id, "--url", &url]);
    assert!(said.contains("1 record was rewritten"), "{said}");
    folded(&site, 240);

    site.stop();
    let checked = site.run(&["rebuild", "--check"]);
    assert!(
        checked.contains("240 units") && checked.contains("says the same"),
        "{checked}"
    );
    // A rebuild to the same tick, once more and from a checkpoint, comes to the same digests.
    let whole: serde_json::Value = serde_json::from_str(&site.run(&["rebuild", "--json"])).unwrap();
    let tick = whole["tick"].to_string();
    let again = site.run(&["rebuild", "--json", "--from-checkpoint", "--tick", &tick]);
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["digests"], whole["digests"]);
}
