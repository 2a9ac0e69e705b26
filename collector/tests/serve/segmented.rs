//! Who is shown what, by kind of visitor: what the dashboard is told is what the visitors' own books say.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tiltwise_core::context::{Context, ContextValue};

use crate::site::Site;
use crate::visit::visit_as;

const BY_SEGMENT: &str = r#"
[[experiment]]
key = "badge"
control = "none"
variants = [{ key = "none" }, { key = "free" }]
policy = { kind = "thompson", segments = [{ name = "device", values = ["phone", "desktop", "watch"] }] }
metric = { event = "add", window = "1s" }
"#;

const BY_CONTEXT: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "contextual", attributes = [
    "country", "plan", "member", { name = "cart", cuts = [10, 50] }, { name = "age", center = 40, scale = 10 },
] }
metric = { event = "signup", value = "sum", cap = 200.0, window = "1s" }
when = { country = { "$in" = ["DE", "FR"] } }
"#;

fn known(values: &[(&str, ContextValue)]) -> Context {
    let mut context = Context::new();
    for (name, value) in values {
        context.set(name, value.clone());
    }
    context
}

fn text(text: &str) -> ContextValue {
    ContextValue::Text(text.into())
}

/// By label, of one attribute, as soon as every window in it has closed.
fn segments(site: &Site, attribute: &str, units: u64) -> BTreeMap<String, Value> {
    let started = Instant::now();
    loop {
        let state = site.state();
        let all = state["experiments"][0]["segments"].as_array().unwrap();
        let rows: BTreeMap<String, Value> = all
            .iter()
            .filter(|row| row["attribute"] == attribute)
            .map(|row| (row["label"].as_str().unwrap().to_owned(), row.clone()))
            .collect();
        let counted: u64 = rows.values().map(|row| row["units"].as_u64().unwrap()).sum();
        // An arm that no visitor of a kind was shown has the share 0, and no rate.
        let entries = |row: &Value, of: &str| row[of].as_object().unwrap().clone();
        let shown = |row: &Value| {
            entries(row, "shares")
                .values()
                .filter(|share| **share != 0.0)
                .count()
        };
        let closed = |row: &Value| entries(row, "rates").len() == shown(row);
        if counted == units && rows.values().all(closed) {
            return rows;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{attribute}: {state}"
        );
    }
}

#[test]
fn every_kind_that_the_file_names_has_its_own_row_and_the_others_have_one() {
    let site = Site::with(BY_SEGMENT);
    // By kind and arm.
    let books: BTreeMap<&str, [Cell<u32>; 2]> = ["phone", "desktop", "others"]
        .map(|kind| (kind, Default::default()))
        .into();
    for number in 0..60 {
        let (device, kind) = match number % 6 {
            0..3 => ("phone", "phone"),
            3..5 => ("desktop", "desktop"),
            _ => ("tablet", "others"),
        };
        visit_as(&site, number, &known(&[("device", text(device))]), |arm| {
            let seen = &books[kind][arm as usize];
            seen.set(seen.get() + 1);
            (kind == "phone" && arm == 1).then_some("add")
        });
    }
    // Nothing is known of this one.
    visit_as(&site, 60, &Context::new(), |_| None);
    let rows = segments(&site, "device", 61);
    let labels: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(
        labels,
        ["all others", "desktop", "not known", "phone"],
        "nobody came with a watch"
    );
    for (label, kind, units) in [
        ("phone", "phone", 30),
        ("desktop", "desktop", 20),
        ("all others", "others", 10),
    ] {
        let row = &rows[label];
        let [none, free] = &books[kind];
        assert_eq!(row["units"], units);
        for (key, seen) in [("none", none), ("free", free)] {
            let share = row["shares"][key].as_f64().unwrap();
            assert!(
                (share - f64::from(seen.get()) / f64::from(units)).abs() < 1e-12,
                "{row}"
            );
            let rate = if kind == "phone" && key == "free" {
                1.0
            } else {
                0.0
            };
            assert!(seen.get() == 0 || row["rates"][key] == rate, "{row}");
        }
    }
    assert_eq!(rows["not known"]["units"], 1);
}

#[test]
fn what_no_list_names_is_said_to_have_no_names_and_ranges_name_themselves() {
    let site = Site::with(BY_CONTEXT);
    for number in 0..40 {
        let context = known(&[
            ("country", text(if number % 4 == 0 { "DE" } else { "FR" })),
            ("plan", text("basic")),
            ("member", ContextValue::Truth(number % 2 == 0)),
            (
                "cart",
                ContextValue::Number([3.0, 10.0, 49.9, 1e6][number as usize % 4]),
            ),
            ("age", ContextValue::Number(50.0)),
        ]);
        visit_as(&site, number, &context, |_| None);
    }
    let units = |attribute| -> BTreeMap<String, u64> {
        let rows = segments(&site, attribute, 40);
        rows.into_iter()
            .map(|(label, row)| (label, row["units"].as_u64().unwrap()))
            .collect()
    };
    let rows = |rows: &[(&str, u64)]| rows.iter().map(|(label, n)| ((*label).to_owned(), *n)).collect();
    assert_eq!(
        units("cart"),
        rows(&[("below 10", 10), ("10 to 50", 20), ("50 or more", 10)])
    );
    assert_eq!(
        units("country"),
        rows(&[("DE", 10), ("FR", 30)]),
        "the condition names them"
    );
    assert_eq!(units("member"), rows(&[("yes", 20), ("no", 20)]));
    let state = site.state();
    assert_eq!(state["experiments"][0]["unnamed"], serde_json::json!(["plan"]));
}
