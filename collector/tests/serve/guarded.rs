//! Guardrails through the binary's own doors: harm is done, the variant is gone from the next snapshot, and a person has
//! the last word.

use std::time::Instant;

use tiltwise_core::snapshot::Phase;

use crate::site::{HERO, Site};
use crate::visit::{visit, visit_on_a_poor_line};

fn guarded(on_breach: &str) -> String {
    format!(
        r#"{HERO}guardrails = [{{ event = "refund", window = "4s", max_increase = {{ absolute = 0.05 }}, on_breach = "{on_breach}" }}]
"#
    )
}

fn actions(site: &Site) -> Vec<serde_json::Value> {
    let url = format!("http://{}", site.admin);
    let said = site.run(&["results", "--json", "--url", &url]);
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
    answer["actions"].as_array().unwrap().clone()
}

fn is_stopped(content: &tiltwise_core::snapshot::SnapshotContent) -> bool {
    !content.experiments[0].is_active(1)
}

#[test]
fn a_variant_that_is_sent_back_is_stopped_without_a_person_and_stays_so_until_one_lifts_it() {
    let site = Site::with(&guarded("stop-variant"));
    for number in 0..200 {
        visit(&site, number, |arm| (arm == 1).then_some("refund"));
    }
    let sent = Instant::now();
    site.wait_for("the stop", is_stopped);
    println!(
        "stopped {:?} after the last refund was acknowledged",
        sent.elapsed()
    );

    let done = actions(&site);
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(
        (&done[0]["author"], &done[0]["action"], &done[0]["variant"]),
        (&"guardrail".into(), &"stop-variant".into(), &"bold".into())
    );
    assert!(done[0]["atMs"].as_u64().unwrap() > 0 && done[0]["reason"].as_str().unwrap().contains("refund"));
    let state = site.state();
    let guardrail = &state["experiments"][0]["guardrails"][0];
    assert_eq!(
        (&guardrail["state"], &guardrail["variant"]),
        (&"breached".into(), &"bold".into())
    );

    let url = format!("http://{}", site.admin);
    site.act(r#"{"action":"lift","experiment":"hero","author":"ada"}"#);
    site.wait_for("the lift", |content| !is_stopped(content));
    // What was lifted is not held against the variant again.
    for number in 1_000..1_020 {
        visit(&site, number, |_| None);
    }
    let said = site.run(&["results", "--url", &url]);
    assert!(said.contains("Hero headline"), "{said}");
    assert_eq!(actions(&site).len(), 2);
    assert!(!is_stopped(&site.snapshot().1));
}

#[test]
fn a_variant_that_keeps_to_what_is_allowed_goes_on() {
    let site = Site::with(&guarded("stop-variant"));
    for number in 0..200 {
        visit(&site, number, |_| number.is_multiple_of(10).then_some("refund"));
    }
    site.wait_for("a model", |content| {
        !content.experiments[0].model.segments.is_empty()
    });
    assert_eq!(actions(&site), Vec::<serde_json::Value>::new());
    assert!(!is_stopped(&site.snapshot().1));
}

#[test]
fn harm_pauses_the_whole_experiment_where_that_was_asked_for_until_a_person_lifts_it() {
    let site = Site::with(&guarded("pause"));
    for number in 0..200 {
        visit(&site, number, |arm| (arm == 1).then_some("refund"));
    }
    let is_paused = |phase: &Phase| *phase == Phase::Paused;
    site.wait_for("the pause", |content| is_paused(&content.experiments[0].phase));
    let done = actions(&site);
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(
        (&done[0]["author"], &done[0]["action"]),
        (&"guardrail".into(), &"pause".into())
    );
    // No variant of its own: a pause is everybody's.
    assert!(done[0]["variant"].is_null() && done[0]["reason"].as_str().unwrap().contains("refund"));
    assert!(!is_stopped(&site.snapshot().1));

    site.act(r#"{"action":"lift","experiment":"hero","author":"ada"}"#);
    site.wait_for("the lift", |content| !is_paused(&content.experiments[0].phase));
}

#[test]
fn an_arm_whose_visitors_get_lost_ends_the_tilting_until_a_person_has_found_the_cause() {
    let tilting = HERO.replace(
        r#"{ kind = "fixed", weights = { calm = 0.5, bold = 0.5 } }"#,
        r#"{ kind = "best-arm" }"#,
    );
    assert_ne!(tilting, HERO);
    let site = Site::with(&tilting);
    // Five of six that saw the second arm are never heard of.
    for number in 0..300 {
        visit_on_a_poor_line(
            &site,
            number,
            |arm| arm == 1 && !number.is_multiple_of(6),
            |_| None,
        );
    }
    site.wait_for("the even split", |_| !actions(&site).is_empty());
    let done = actions(&site);
    assert_eq!(
        (&done[0]["author"], &done[0]["action"]),
        (&"guardrail".into(), &"even-split".into())
    );
    assert!(done[0]["reason"].as_str().unwrap().contains("lost or forged"));

    // Once, and what came before a person lifted it is not held against the experiment again.
    site.act(r#"{"action":"lift","experiment":"hero","author":"ada"}"#);
    for number in 1_000..1_020 {
        visit(&site, number, |_| None);
    }
    assert_eq!(actions(&site).len(), 2, "{:?}", actions(&site));
}
