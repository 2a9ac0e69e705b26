//! The binary as people run it: it takes up edits of the experiment file, keeps the last good one, shows its log, and ends
//! when told to.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documented;
mod guarded;
mod imported;
mod learned;
mod segmented;
mod site;
mod visit;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;
use site::{HERO, Site};

#[test]
fn an_edit_is_published_within_a_second_or_two_and_a_broken_one_changes_nothing() {
    let site = Site::start();
    let (first, content) = site.snapshot();
    assert_eq!(content.experiments[0].revision.key, "hero");
    let file = site.folder.path().join("experiments.toml");
    fs::write(&file, HERO.replace("\"hero\"", "\"hero2\"")).unwrap();
    let second = site.wait_for("the edit", |content| {
        content.experiments[0].revision.key == "hero2"
    });
    assert!(second > first);
    fs::write(&file, "[[experiment]]\nkey = \"hero\"").unwrap();
    let started = Instant::now();
    let state = loop {
        let output = site
            .command(&["status", "--json", "--url", &format!("http://{}", site.admin)])
            .output()
            .unwrap();
        let state: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        if state["health"]["status"] == "degraded" || started.elapsed() > Duration::from_secs(20) {
            break state;
        }
    };
    assert!(
        state["health"]["messages"][0]
            .as_str()
            .unwrap()
            .contains("experiments.toml"),
        "{state}"
    );
    // The experiment goes on, and is shown as before its first visitor.
    let shown = &state["experiments"][0];
    assert_eq!(
        (&shown["key"], &shown["phase"], &shown["units"]["matured"]),
        (&json!("hero2"), &json!("running"), &json!(0))
    );
    assert_eq!(site.snapshot().0, second);
}

#[test]
fn the_log_is_shown_while_the_collector_runs_and_after_it_was_stopped() {
    let mut site = Site::start();
    let body = r#"{"events":[{"id":"e1","account":"ada","outcome":{"name":"purchase","value":49.9,"currency":"EUR"}}]}"#;
    let length = body.len();
    let (head, answer) = site.request(&format!(
        "POST /v1/e HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(String::from_utf8(answer).unwrap().contains("\"accepted\":1"));
    let running = site.run(&["tail", "--admin-listen", &site.admin]);
    site.stop();
    let stopped = site.run(&["tail", "--admin-listen", "127.0.0.1:1"]);
    assert_eq!(running, stopped);
    let line: serde_json::Value = serde_json::from_str(&running).unwrap();
    assert_eq!(
        line["outcome"],
        json!({ "name": "purchase", "valueMicros": 49_900_000, "currency": "EUR" })
    );
    // As values: in the hexadecimal of a pseudonym they may come by chance.
    assert!(!running.contains("\"ada\"") && !running.contains("\"e1\""));
}
