//! The whole loop through the binary's own doors: decide, send, learn, erase, count again.

use std::time::{Duration, Instant};

use crate::site::Site;
use crate::visit::visit;

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
        visit(&site, number, |arm| (arm == 1).then_some("signup"));
    }
    site.wait_for("a model", |content| {
        !content.experiments[0].model.segments.is_empty()
    });
    let state = folded(&site, 240);
    let variants = &state["experiments"][0]["variants"];
    assert_eq!(variants[0]["conversions"], 0, "{state}");
    assert_eq!(variants[1]["conversions"], variants[1]["units"], "{state}");

    let url = format!("http://{}", site.admin);
    let canary = visit(&site, 4_711, |_| Some("signup"));
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
