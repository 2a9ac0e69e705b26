//! The golden file of decisions, replayed natively.
//!
//! `tests/golden/decisions.json` is replayed in every host (native, wasmtime, Node, Chromium): the same snapshot, unit and
//! context give the same arm, propensities and bytes. Here it is also made: `BLESS=1 cargo test -p tiltwise-core --test
//! golden` writes it anew from `golden/cases.rs`, and the difference is what moves visitors: it is reviewed row by row.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "golden/cases.rs"]
mod cases;
#[path = "golden/replay.rs"]
mod replay;
#[path = "golden/snapshots.rs"]
mod snapshots;

use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/decisions.json");

fn file() -> Value {
    let text = std::fs::read_to_string(FILE).expect("tests/golden/decisions.json");
    serde_json::from_str(&text).expect("JSON")
}

/// The file as today's core would write it.
fn made_anew() -> Value {
    let snapshots: serde_json::Map<String, Value> = snapshots::all()
        .iter()
        .map(|(name, s)| ((*name).to_string(), json!(replay::hex(&s.encode()))))
        .collect();
    let rows: Vec<Value> = cases::all()
        .into_iter()
        .map(|mut row| {
            let bytes = replay::unhex(snapshots[row["snapshot"].as_str().unwrap()].as_str().unwrap());
            row["expect"] = replay::decide(&bytes, &row);
            row
        })
        .collect();
    json!({ "spec": tiltwise_core::SPEC_VERSION, "snapshots": snapshots, "rows": rows })
}

#[test]
fn every_row_is_decided_as_the_golden_file_says() {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, serde_json::to_string_pretty(&made_anew()).unwrap() + "\n").unwrap();
    }
    let file = file();
    let rows = file["rows"].as_array().unwrap();
    assert!(rows.len() >= 40, "only {} rows", rows.len());
    for row in rows {
        let snapshot = replay::unhex(
            file["snapshots"][row["snapshot"].as_str().unwrap()]
                .as_str()
                .unwrap(),
        );
        assert_eq!(replay::decide(&snapshot, row), row["expect"], "{}", row["name"]);
    }
}

#[test]
fn the_golden_file_holds_exactly_the_declared_cases() {
    let file = file();
    let names = |rows: &[Value]| rows.iter().map(|r| r["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(file["rows"].as_array().unwrap()), names(&cases::all()));
}

#[test]
fn every_golden_exposure_passes_the_check_that_admit_makes() {
    let file = file();
    for row in file["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["expect"]["exposure"].is_string())
    {
        let snapshot = replay::unhex(
            file["snapshots"][row["snapshot"].as_str().unwrap()]
                .as_str()
                .unwrap(),
        );
        replay::check(&snapshot, row);
    }
}
