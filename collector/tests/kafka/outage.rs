//! An outage: the brokers are out of reach under a steady stream of events. Every request is answered, senders wait little longer
//! than before, and afterwards the spool empties by itself while events go on.
//!
//! `OUTAGE_SECONDS` makes it longer; `OUTAGE_REPORT` says where the figures go.

use std::{
    env, fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tiltwise_core::id::Visitor;

use crate::{
    broker::{Broker, within},
    client::{Answer, Connection},
    site::{Collector, Site, now_ms},
    topic,
    trouble::{key, site},
};

/// Two thousand events a second, as batches of twenty from four senders.
const SENDERS: usize = 4;
const BATCH: usize = 20;
const PACE: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(120);

/// One answered request.
#[derive(Clone, Copy)]
struct Answered {
    at: Instant,
    took: Duration,
    status: u16,
}

#[test]
fn through_an_outage_every_request_is_answered_and_the_spool_empties_by_itself() {
    let seconds = env::var("OUTAGE_SECONDS").map_or(6, |text| text.parse().unwrap());
    let broker = Broker::start();
    let site = site(&broker.address(), "");
    site.run(&["topics", "create"]);
    let key = key(&site);
    let collector = site.start();
    let (over, answered) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let (mut began, mut ended, mut caught_up) = (Instant::now(), Instant::now(), Instant::now());
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (over, answered, collector, key) = (&over, &answered, &collector, &key);
            scope.spawn(move || send(collector, key, sender, over, answered));
        }
        thread::sleep(Duration::from_secs(5));
        began = Instant::now();
        broker.proxy.cut(Duration::from_secs(seconds));
        ended = Instant::now();
        within(PATIENCE, || (waiting(&site, &collector) == 0).then_some(()));
        caught_up = Instant::now();
        thread::sleep(Duration::from_secs(2));
        over.store(true, Ordering::Release);
    });
    let state = state(&site, &collector);
    collector.stop();

    let answered = answered.into_inner().unwrap();
    let p99_ms = |from: Instant, to: Instant| {
        let among = answered
            .iter()
            .filter(|answered| (from..to).contains(&answered.at));
        let mut took: Vec<Duration> = among.map(|answered| answered.took).collect();
        took.sort();
        took.get(took.len() * 99 / 100)
            .map_or(0.0, |took| took.as_secs_f64() * 1e3)
    };
    let start = answered.iter().map(|answered| answered.at).min().unwrap();
    // The first second warms up connections and caches.
    let warm = start + Duration::from_secs(1);
    let found = topic::read(&broker.address(), "tiltwise.events");
    let in_topic: usize = found.records.iter().map(|record| record.events.len()).sum();
    let refused = answered.iter().filter(|answered| answered.status != 200).count();
    let figures = json!({
        "outage_seconds": seconds,
        "requests": answered.len(),
        "refused": refused,
        "ack_p99_ms_before": p99_ms(warm, began),
        "ack_p99_ms_during": p99_ms(began, ended),
        "catch_up_ms": (caught_up - ended).as_millis() as u64,
        "events_acknowledged": (answered.len() - refused) * BATCH,
        "events_in_topic": in_topic,
        "event_to_snapshot_ms": state["health"]["eventToSnapshotMs"],
    });
    println!("{figures:#}");
    if let Ok(file) = env::var("OUTAGE_REPORT") {
        fs::write(file, format!("{figures:#}\n")).unwrap();
    }
    assert_eq!(refused, 0, "{figures:#}");
    assert_eq!(in_topic, answered.len() * BATCH, "{figures:#}");
}

fn send(collector: &Collector, key: &str, sender: usize, over: &AtomicBool, answered: &Mutex<Vec<Answered>>) {
    let mut connection = Connection::open(&collector.public).unwrap();
    let headers = format!("authorization: Bearer {key}\r\n");
    let mut next = Instant::now();
    for batch in 0_u64.. {
        if over.load(Ordering::Acquire) {
            return;
        }
        let mut random = [sender as u8; 16];
        random[8..].copy_from_slice(&batch.to_be_bytes());
        let visitor = hex::encode(Visitor::mint(now_ms(), random).0);
        let events: Vec<Value> = (0..BATCH)
            .map(|n| {
                json!({ "visitor": visitor, "id": format!("{sender}-{batch}-{n}"),
                    "outcome": { "name": "purchase", "value": 1.0, "currency": "EUR" } })
            })
            .collect();
        let body = json!({ "events": events }).to_string();
        let at = Instant::now();
        let answer = connection.post("/v1/e", &headers, body.as_bytes()).unwrap();
        answered.lock().unwrap().push(Answered {
            at,
            took: at.elapsed(),
            status: answer.status,
        });
        next += PACE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// Records that wait in the spool.
fn waiting(site: &Site, collector: &Collector) -> u64 {
    let token = token(site);
    let mut admin = Connection::open(&collector.admin).unwrap();
    let text = get(&mut admin, &token, "/metrics").body;
    let text = String::from_utf8(text).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("tiltwise_spool_records "));
    line.unwrap().trim().parse().unwrap()
}

fn state(site: &Site, collector: &Collector) -> Value {
    let mut admin = Connection::open(&collector.admin).unwrap();
    get(&mut admin, &token(site), "/v1/admin/state").json()
}

fn get(admin: &mut Connection, token: &str, path: &str) -> Answer {
    let authorised = format!("authorization: Bearer {token}\r\n");
    admin.get_with(path, &authorised).unwrap()
}

fn token(site: &Site) -> String {
    let file = site.folder.path().join("keys/admin.token");
    fs::read_to_string(file).unwrap().trim().to_owned()
}
