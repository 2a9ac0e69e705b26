//! What a stranger may claim, through the binary's own doors: each claim that cannot be true is refused with its reason,
//! and no clock but the collector's decides when something happened.

use serde_json::{Value, json};
use tiltwise_core::{
    context::{Context, ContextValue},
    decide,
    event::{Body, Event, EventBatch, Exposure, FLAG_COMPARISON, Outcome},
    hash::Unit,
    id::{UnitKind, Visitor},
    propensity::ONE_Q30,
    snapshot::SnapshotContent,
};

use crate::{
    books::{EXPERIMENTS, SETTINGS},
    client::Connection,
    site::{Site, now_ms},
};

const DAY_MS: u64 = 86_400_000;

/// A lie, and what is said of it.
type Lie = (&'static str, fn(&mut Exposure));

const LIES: [Lie; 10] = [
    ("arms", |x| {
        // The arm that is left: one without a propensity is no exposure at all.
        x.arm = 0;
        x.propensities_q30.pop();
    }),
    ("unit-kind", |x| x.unit_kind = UnitKind::Account),
    ("sum", |x| x.propensities_q30[0] += 1),
    ("floor", |x| x.propensities_q30 = vec![1, ONE_Q30 - 1]),
    ("draw", |x| x.draw ^= 1),
    ("draw", |x| x.episode += 1),
    ("arm", |x| x.arm ^= 1),
    ("comparison", |x| x.flags ^= FLAG_COMPARISON),
    ("unknown-model", |x| x.model += 1_000),
    ("unknown-revision", |x| x.revision.0 ^= 1),
];

fn visitor(n: u8) -> Visitor {
    Visitor::mint(now_ms(), [n; 16])
}

/// What an honest edge with this snapshot would say of the first experiment.
fn exposure((version, content): &(u64, SnapshotContent), visitor: &Visitor) -> Exposure {
    let mut context = Context::new();
    context.set("device", ContextValue::Text("phone".to_owned()));
    let experiment = &content.experiments[0];
    let prepared = decide::prepare(experiment, &context, true);
    decide::decide(experiment, &prepared, *version, Unit::Visitor(visitor), 1).unwrap()
}

fn as_json(id: &str, x: &Exposure) -> Value {
    json!({ "id": id, "exposure": {
        "revision": x.revision.0.to_string(),
        "model": x.model.to_string(),
        "episode": x.episode.to_string(),
        "arm": x.arm,
        "draw": x.draw,
        "slots": x.slots,
        "valuesQ10": x.values_q10,
        "propensitiesQ30": x.propensities_q30,
        "predictionsMicros": x.predictions_micros,
        "variancesMicros": x.variances_micros,
        "flags": x.flags,
        "unitKind": x.unit_kind as u32,
    }})
}

fn event(made_ms: u64, body: Body<'_>) -> Vec<u8> {
    Event {
        made_ms,
        body,
        id: "",
        visitor: None,
        account: "",
    }
    .encode()
}

fn lines(site: &Site) -> Vec<Value> {
    let printed = site.run(&["tail"]);
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn units(site: &Site) -> i64 {
    let digests: Value = serde_json::from_str(&site.run(&["rebuild", "--json"])).unwrap();
    let digests = digests["digests"].as_array().unwrap();
    digests
        .iter()
        .map(|digest| digest["units"].as_i64().unwrap())
        .sum()
}

#[test]
fn every_lie_about_a_decision_is_refused_by_name_and_none_is_counted() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let collector = site.start();
    let mut connection = Connection::open(&collector.public).unwrap();
    let snapshot = connection.snapshot().unwrap();
    let honest = exposure(&snapshot, &visitor(1));
    let mut events: Vec<Value> = LIES
        .iter()
        .enumerate()
        .map(|(place, (_, lie))| {
            let mut forged = honest.clone();
            lie(&mut forged);
            as_json(&format!("lie {place}"), &forged)
        })
        .collect();
    events.push(as_json("the truth", &honest));
    let body = json!({ "visitor": hex::encode(visitor(1).0), "events": events });
    let answer = connection
        .post("/v1/e", "", body.to_string().as_bytes())
        .unwrap()
        .json();
    assert_eq!(answer["accepted"], 1, "{answer:#}");
    let refused = answer["rejected"].as_array().unwrap();
    for (place, (reason, _)) in LIES.iter().enumerate() {
        assert_eq!(
            (&refused[place]["index"], &refused[place]["reason"]),
            (&json!(place), &json!(reason)),
            "{answer:#}"
        );
        assert!(refused[place]["message"].as_str().unwrap().len() > 20);
    }
    // Probabilities that are possible, but not those of the model that is named: logged as such, and never counted.
    let mut bent = exposure(&snapshot, &visitor(2));
    bent.predictions_micros = vec![1; bent.propensities_q30.len()];
    let body = json!({ "visitor": hex::encode(visitor(2).0), "events": [as_json("bent", &bent)] });
    let answer = connection
        .post("/v1/e", "", body.to_string().as_bytes())
        .unwrap()
        .json();
    assert_eq!(answer["accepted"], 1, "{answer:#}");
    collector.stop();
    let quarantined: Vec<Value> = lines(&site)
        .iter()
        .map(|line| line["quarantine"].clone())
        .collect();
    assert_eq!(quarantined, [0, 1]);
    assert_eq!(units(&site), 1);
}

#[test]
fn a_device_whose_clock_is_two_days_off_either_way_counts_like_any_other() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let collector = site.start();
    let mut connection = Connection::open(&collector.public).unwrap();
    let snapshot = connection.snapshot().unwrap();
    let outcome = Body::Outcome(Outcome {
        name: "signup",
        ..Outcome::default()
    });
    let clocks = [now_ms() - 2 * DAY_MS, now_ms() + 2 * DAY_MS];
    for (n, sent_ms) in clocks.into_iter().enumerate() {
        let visitor = Visitor::mint(sent_ms, [n as u8 + 1; 16]);
        let shown = Body::Exposure(exposure(&snapshot, &visitor));
        let events = [
            event(sent_ms - 250, outcome.clone()),
            event(sent_ms, shown),
            event(sent_ms, outcome.clone()),
        ];
        let batch = EventBatch {
            session: &[n as u8; 16],
            sent_ms,
            visitor: Some(visitor),
            events: events.iter().map(Vec::as_slice).collect(),
            ..EventBatch::default()
        };
        let answer = connection.post("/v1/e", "", &batch.encode()).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &[][..]));
    }
    collector.stop();
    let ages: Vec<u64> = lines(&site)
        .iter()
        .map(|line| line["receivedMs"].as_u64().unwrap() - line["atMs"].as_u64().unwrap())
        .collect();
    assert_eq!(ages, [250, 0, 0, 250, 0, 0]);
    assert_eq!(units(&site), 2);
}

#[test]
fn a_clock_that_jumps_two_days_between_event_and_batch_makes_nothing_later_than_its_receipt() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let collector = site.start();
    let mut connection = Connection::open(&collector.public).unwrap();
    let outcome = Body::Outcome(Outcome {
        name: "signup",
        ..Outcome::default()
    });
    let sent_ms = now_ms();
    let events = [
        event(sent_ms + 2 * DAY_MS, outcome.clone()),
        event(sent_ms - 2 * DAY_MS, outcome),
    ];
    let batch = EventBatch {
        session: &[1; 16],
        sent_ms,
        visitor: Some(visitor(1)),
        events: events.iter().map(Vec::as_slice).collect(),
        ..EventBatch::default()
    };
    let answer = connection.post("/v1/e", "", &batch.encode()).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &[][..]));
    // An id of a week that has not come is of no key, and says so.
    let unborn = Visitor::mint(now_ms() + 15 * DAY_MS, [9; 16]);
    let body = json!({ "visitor": hex::encode(unborn.0), "events": [{ "id": "1", "outcome": { "name": "signup" } }] });
    let answer = connection
        .post("/v1/e", "", body.to_string().as_bytes())
        .unwrap()
        .json();
    assert_eq!(
        answer["rejected"][0]["reason"], "visitor-from-the-future",
        "{answer:#}"
    );
    collector.stop();
    let ages: Vec<u64> = lines(&site)
        .iter()
        .map(|line| line["receivedMs"].as_u64().unwrap() - line["atMs"].as_u64().unwrap())
        .collect();
    assert_eq!(ages, [0, 2 * DAY_MS]);
}
