//! Erasure where a log cannot be rewritten: sums and state forget at once, and the topic when its retention has passed.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    acks::alter,
    broker::Broker,
    canary::{self, Person, both, search},
    client::Connection,
    exported::python,
    site::{Site, now_ms},
    topic,
    trouble::key,
};

const DAY_MS: u64 = 86_400_000;

/// Waits until everything that a topic holds now is gone from it.
const FORGETS: &str = "
import sys, time
from kafka import KafkaConsumer, TopicPartition
servers, topic = sys.argv[1:]
consumer = KafkaConsumer(bootstrap_servers=servers)
partitions = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
ends, until = consumer.end_offsets(partitions), time.monotonic() + 120
while any(first < ends[partition] for partition, first in consumer.beginning_offsets(partitions).items()):
    assert time.monotonic() < until, 'the topic keeps what it has'
    time.sleep(0.1)
";

#[test]
fn what_was_erased_leaves_state_and_sums_at_once_and_the_topic_by_the_date_that_was_named() {
    let quick = [
        "log.retention.check.interval.ms=500",
        "log.segment.delete.delay.ms=500",
    ];
    let broker = Broker::start_and_set(&quick);
    let kafka = format!(
        "{}[log]\nkind = \"kafka\"\nretention = \"1d\"\n[kafka]\nbootstrap_servers = [\"{}\"]\npartitions = 2\nreplication = 1\nack = \"spool\"\n",
        canary::SETTINGS,
        broker.address()
    );
    let site = Site::new(&kafka, canary::EXPERIMENTS);
    site.run(&["topics", "create"]);
    let key = key(&site);
    let people = ["canary", "bystander"].map(Person::new);
    let collector = site.start();
    let turns = people.each_ref().map(|person| person.act(&collector, &key, 0));
    let [erased, kept] = people.each_ref().map(|person| person.pseudonyms(&site));
    Connection::open(&collector.public)
        .unwrap()
        .wait_for_fold(*turns.iter().max().unwrap());

    // The visitor and the account are two units.
    let bearer = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
        site.keys().admin.expose()
    );
    let mut office = Connection::open(&collector.admin).unwrap();
    for unit in [
        json!({ "visitor": hex::encode(people[0].visitor.0) }),
        json!({ "account": people[0].account }),
    ] {
        let answer = office.post("/v1/admin/erasures", &bearer, unit.to_string().as_bytes());
        let report = answer.unwrap().json();
        let through_ms = report["erasedThroughMs"].as_u64().unwrap();
        assert!(through_ms <= now_ms());
        // Retention, and a quarter of it for the segment that is still being written.
        assert_eq!(report["goneByMs"], through_ms + DAY_MS + DAY_MS / 4, "{report}");
    }

    let exported = site.run(&["export"]);
    let is_in = |text: &str, units: &[tiltwise_core::id::Pseudonym; 2]| {
        units.iter().any(|unit| text.contains(&hex::encode(unit.0)))
    };
    assert!(
        !is_in(&exported, &erased) && is_in(&exported, &kept),
        "{exported}"
    );

    // What is in the topic, as anybody sees it who reads it.
    let read = || -> BTreeSet<(bool, [u8; 16])> {
        let topic = topic::read(&broker.address(), "tiltwise.events");
        let events = topic.records.into_iter().flat_map(|record| record.events);
        let of_canary = events.filter(|event| erased.contains(&event.unit));
        let is_mark = |fact| fact == tiltwise_core::event::Fact::Erasure;
        of_canary.map(|event| (is_mark(event.fact), event.id)).collect()
    };
    let ids: Vec<[u8; 16]> = read()
        .into_iter()
        .filter(|(mark, _)| !mark)
        .map(|(_, id)| id)
        .collect();
    assert!(!ids.is_empty(), "a topic keeps what it has until then");
    site.run(&["rebuild", "--check"]);

    // As if the retention had passed.
    let soon = json!({ "retention.ms": "1000", "segment.ms": "1000" });
    alter(&site, &broker.address(), "tiltwise.events", &soon);
    python(
        site.folder.path(),
        FORGETS,
        &[&broker.address(), "tiltwise.events"],
    );
    assert!(read().is_empty());
    collector.stop();
    // Nor is it in any file of the collector: its spool, its state, its snapshots, its own log.
    assert_eq!(search(site.folder.path(), &both(ids)), BTreeSet::new());
    assert_eq!(search(site.folder.path(), &people[0].ids()), BTreeSet::new());
}
