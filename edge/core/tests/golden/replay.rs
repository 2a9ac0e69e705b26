//! One row of the golden file through the core.

use serde_json::{Value, json};
use tiltwise_core::check;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{Held, decide as draw, prepare};
use tiltwise_core::event::Exposure;
use tiltwise_core::hash::Unit;
use tiltwise_core::id::Visitor;
use tiltwise_core::snapshot::SnapshotContent;
use tiltwise_core::sticky::episode;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// What the row's `expect` must be.
pub fn decide(snapshot: &[u8], row: &Value) -> Value {
    let content = SnapshotContent::decode(snapshot).expect("a snapshot");
    let at = content
        .find(row["experiment"].as_str().unwrap())
        .expect("the experiment");
    let experiment = &content.experiments[at];
    let prepared = prepare(experiment, &context(row), row["personalized"].as_bool().unwrap());
    let episode = episode(
        &experiment.revision,
        row["now_ms"].as_u64().unwrap(),
        number(&row["session"]),
    );
    let answer = with_unit(row, |unit| {
        draw(experiment, &prepared, number(&row["model"]), unit, episode)
    });
    match answer {
        Ok(exposure) => json!({
            "held": null,
            "episode": exposure.episode.to_string(),
            "arm": exposure.arm,
            "variant": experiment.revision.variants[exposure.arm as usize].key,
            "draw": exposure.draw,
            "propensities": exposure.propensities_q30,
            "exposure": hex(&exposure.encode()),
        }),
        Err(Held::Ineligible) => json!({ "held": "ineligible" }),
        Err(Held::Paused { arm }) => json!({ "held": "paused", "arm": arm }),
        Err(Held::Decided { arm }) => json!({ "held": "decided", "arm": arm }),
    }
}

/// Repeats the row's exposure as admit does.
pub fn check(snapshot: &[u8], row: &Value) {
    let content = SnapshotContent::decode(snapshot).unwrap();
    let experiment = &content.experiments[content.find(row["experiment"].as_str().unwrap()).unwrap()];
    let exposure = Exposure::decode(&unhex(row["expect"]["exposure"].as_str().unwrap())).unwrap();
    with_unit(row, |unit| {
        assert_eq!(
            check::claim(experiment, unit, &exposure),
            Ok(()),
            "{}",
            row["name"]
        );
    });
    assert!(check::repeats(experiment, &exposure), "{}", row["name"]);
}

fn with_unit<T>(row: &Value, f: impl FnOnce(Unit<'_>) -> T) -> T {
    if let Some(account) = row["unit"]["account"].as_str() {
        return f(Unit::Account(account));
    }
    let visitor = unhex(row["unit"]["visitor"].as_str().unwrap());
    f(Unit::Visitor(&Visitor(visitor.try_into().unwrap())))
}

fn context(row: &Value) -> Context {
    let mut context = Context::new();
    for (name, value) in row["context"].as_object().unwrap() {
        let value = match value {
            Value::String(text) => ContextValue::Text(text.clone()),
            Value::Bool(truth) => ContextValue::Truth(*truth),
            number => ContextValue::Number(number.as_f64().unwrap()),
        };
        context.set(name, value);
    }
    context
}

/// 64-bit numbers stand as text: JavaScript's numbers end at 2^53.
fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}
