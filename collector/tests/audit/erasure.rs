//! Erasure, by canaries: a visitor and an account with ids that are recognised wherever they turn up. They do everything
//! that leaves a trace, in the log's journal and its tables, in checkpoints and in what the collector says; are erased
//! through the admin door; and then every byte that is left is searched for them.
//!
//! What may be left: the mark of each erasure, a record of the log and an entry of the checkpoints, under the pseudonym, so
//! that a copy that arrives late does not bring the unit back. And for two days the keys by which the log knows a batch
//! that is sent again: keyed hashes of the batch's number, or of an event's id, which name no unit.

use std::{collections::BTreeSet, sync::mpsc, thread};

use serde_json::{Value, json};
use tiltwise_collector::{
    keys::servers::Kind,
    trainer::{Checkpoints, checkpoint},
};
use tiltwise_core::{
    event::{Fact, LogRecord},
    id::Pseudonym,
};

use crate::{
    canary::{EXPERIMENTS, Person, SETTINGS, both, search},
    client::{Answer, Connection},
    inspection::{fold, sums},
    site::{Collector, Site},
};

const BYSTANDERS: u8 = 12;

/// Asks the admin door; no answer where the collector is gone before it has one.
fn ask_to_erase(site: &Site, admin: &str, unit: &Value) -> Option<Answer> {
    let headers = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
        site.keys().admin.expose()
    );
    let mut office = Connection::open(admin).ok()?;
    office
        .post("/v1/admin/erasures", &headers, unit.to_string().as_bytes())
        .ok()
}

pub fn erase(site: &Site, collector: &Collector, unit: &Value) -> Value {
    let answer = ask_to_erase(site, &collector.admin, unit).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The units that have more than marks in the log, as those see it who ask the running collector.
fn units_in_log(site: &Site, admin: &str) -> BTreeSet<String> {
    let printed = site.run(&["tail", "--admin-listen", admin]);
    printed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line.get("erasure").is_none())
        .map(|line| line["unit"].as_str().unwrap().to_owned())
        .collect()
}

/// The record as it would be had these units never come.
fn without(record: &LogRecord, units: &[Pseudonym]) -> LogRecord {
    let mut record = record.clone();
    record.events.retain(|event| !units.contains(&event.unit));
    record
}

#[test]
fn what_was_erased_is_in_no_byte_that_is_kept_and_the_sums_are_as_if_it_had_never_come() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let key = site.keys().servers.add("ads", Kind::Server, 0).unwrap();
    let canary = Person::new("canary-4711");
    let bystanders: Vec<Person> = (0..BYSTANDERS)
        .map(|n| Person::new(&format!("bystander{n}")))
        .collect();
    let everybody = || bystanders.iter().chain([&canary]);

    // Once into a checkpoint, and once more into the log behind it.
    let collector = site.start();
    for person in everybody() {
        person.act(&collector, key.as_str(), 0);
    }
    collector.stop();
    let collector = site.start();
    for person in everybody() {
        person.act(&collector, key.as_str(), 1);
    }
    collector.kill();

    let before = site.records();
    let units = canary.pseudonyms(&site);
    let of_canary = before.iter().flat_map(|(_, record)| &record.events);
    let events = both(
        of_canary
            .filter(|event| units.contains(&event.unit))
            .map(|event| event.id),
    );
    let units_as_bytes = both(units.map(|unit| unit.0));
    // The search sees what is there to be seen.
    let folder = site.folder.path();
    for needles in [&events, &units_as_bytes] {
        let found = search(folder, needles);
        for place in ["data/log/", "data/state/"] {
            assert!(found.iter().any(|file| file.starts_with(place)), "{found:?}");
        }
    }

    let collector = site.start();
    for unit in [
        json!({ "visitor": hex::encode(canary.visitor.0) }),
        json!({ "account": canary.account }),
    ] {
        let report = erase(&site, &collector, &unit);
        assert!(report["recordsRewritten"].as_u64().unwrap() > 0, "{report}");
    }
    bystanders[0].act(&collector, key.as_str(), 2);
    collector.stop();
    site.run(&["rebuild", "--check"]);

    assert_eq!(search(folder, &canary.ids()), BTreeSet::new());
    assert_eq!(search(folder, &events), BTreeSet::new());
    let marked = search(folder, &units_as_bytes);
    let may_mark = |file: &String| file.starts_with("data/log/") || file.starts_with("data/state/");
    assert!(marked.iter().all(may_mark), "{marked:?}");

    // What still bears the pseudonyms are the marks alone.
    let after = site.records();
    for unit in units {
        let events = after.iter().flat_map(|(_, record)| &record.events);
        let facts: Vec<&Fact> = events
            .filter(|event| event.unit == unit)
            .map(|event| &event.fact)
            .collect();
        assert_eq!(facts, [&Fact::Erasure]);
        for kept in Checkpoints::open(&site.data().join("state"))
            .unwrap()
            .all()
            .unwrap()
        {
            let state = checkpoint::read(&kept.path).unwrap();
            let remembered = state.fold.unit(&unit).unwrap();
            assert!(remembered.erased_through_ms.is_some());
            assert!(remembered.episodes.is_empty() && remembered.outcomes.is_empty());
        }
    }

    // Everybody else's records are what they were, and the sums those of a run without the canaries.
    let mut kept = site.checkpoint();
    let alone: Vec<LogRecord> = after
        .iter()
        .filter(|(offset, _)| *offset < kept.offset)
        .map(|(offset, record)| {
            let Some((_, was)) = before.iter().find(|(old, _)| old == offset) else {
                return without(record, &units);
            };
            assert_eq!(*record, without(was, &units), "record {offset}");
            without(was, &units)
        })
        .collect();
    let never_came = sums(&mut fold(&site, &alone));
    assert_eq!(never_came.len(), 2);
    assert_eq!(sums(&mut kept.fold), never_came);
    let came = before.iter().map(|(_, record)| record);
    assert_ne!(sums(&mut fold(&site, came)), never_came);
}

#[test]
fn an_erasure_that_a_kill_cut_short_is_complete_when_it_was_asked_for_again() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let key = site.keys().servers.add("ads", Kind::Server, 0).unwrap();
    let canary = Person::new("canary-0815");
    let collector = site.start();
    canary.act(&collector, key.as_str(), 0);
    collector.kill();
    let [visitor, _] = canary.pseudonyms(&site);
    let records = site.records();
    let of = |is_mine: bool| -> BTreeSet<[u8; 16]> {
        let events = records.iter().flat_map(|(_, record)| &record.events);
        events
            .filter(|event| (event.unit == visitor) == is_mine)
            .map(|event| event.id)
            .collect()
    };
    // Some are written under the account too, and stay there.
    let mine = both(of(true).difference(&of(false)).copied());
    assert!(!mine.is_empty());

    // Killed as soon as the records have been rewritten, when what they were rewritten from is still on the disk.
    let collector = site.start();
    let unit = json!({ "visitor": hex::encode(canary.visitor.0) });
    let name = hex::encode(visitor.0);
    assert!(units_in_log(&site, &collector.admin).contains(&name));
    thread::scope(|scope| {
        let admin = collector.admin.clone();
        let (site, unit) = (&site, &unit);
        scope.spawn(move || ask_to_erase(site, &admin, unit));
        while units_in_log(site, &collector.admin).contains(&name) {}
        collector.kill();
    });

    let collector = site.start();
    erase(&site, &collector, &unit);
    collector.stop();
    site.run(&["rebuild", "--check"]);
    assert_eq!(search(site.folder.path(), &mine), BTreeSet::new());
}

#[test]
fn what_a_unit_does_after_its_erasure_is_kept_and_counted() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let key = site.keys().servers.add("ads", Kind::Server, 0).unwrap();
    let person = Person::new("regular");
    let collector = site.start();
    let (tell, told) = mpsc::channel();
    let (received, through_ms) = thread::scope(|scope| {
        let (person, collector) = (&person, &collector);
        let busy = scope.spawn(move || {
            let mut received = Vec::new();
            while tell.send(()).is_ok() {
                received.push(person.act(collector, key.as_str(), received.len() as u32));
            }
            received
        });
        let wait = || (0..8).for_each(|_| told.recv().unwrap());
        wait();
        let unit = json!({ "visitor": hex::encode(person.visitor.0) });
        let report = erase(&site, collector, &unit);
        wait();
        drop(told);
        (busy.join().unwrap(), report["erasedThroughMs"].as_u64().unwrap())
    });
    collector.stop();
    // The log holds what the collector counted, no more and no less.
    site.run(&["rebuild", "--check"]);
    let [visitor, _] = person.pseudonyms(&site);
    let shown = site
        .records()
        .iter()
        .flat_map(|(_, record)| record.events.clone())
        .filter(|event| event.unit == visitor && matches!(event.fact, Fact::Exposure(_)))
        .count();
    let after = received.iter().filter(|ms| **ms > through_ms).count();
    assert!(after > 0 && after < received.len());
    assert_eq!(shown, after);
}
