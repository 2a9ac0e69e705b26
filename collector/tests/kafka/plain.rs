//! The plain topics, as any consumer reads them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    books::arm,
    broker::Broker,
    exported::{books, load, python},
    topic,
    trouble::site,
};

/// Reads the plain topics until so many different events have come, and prints what came.
const CONSUMER: &str = "
import json, sys
from kafka import KafkaConsumer
servers, wanted, ids = sys.argv[1], int(sys.argv[2]), set()
for record in KafkaConsumer('tiltwise.exposures', 'tiltwise.outcomes', bootstrap_servers=servers,
                            auto_offset_reset='earliest', consumer_timeout_ms=60000):
    line = json.loads(record.value)
    print(json.dumps({'topic': record.topic, 'key': record.key.decode(), **line}))
    ids.add(line['event_id'])
    if len(ids) >= wanted:
        break
";

#[test]
fn every_event_is_in_a_plain_topic_under_its_pseudonym_though_the_collector_was_killed_in_between() {
    let broker = Broker::start();
    let site = site(&broker.address(), "plain_topics = true\n");
    site.run(&["topics", "create"]);
    site.run(&["topics", "check"]);
    let mut collector = site.start();
    let mut senders = load(&collector);
    // Without a farewell: what was rewritten and not committed is rewritten once more.
    collector.kill();
    collector = site.start();
    for sender in &mut senders {
        sender.finish(&collector.public);
    }

    let all = topic::read(&broker.address(), "tiltwise.events");
    let events: BTreeSet<String> = all
        .records
        .iter()
        .flat_map(|record| &record.events)
        .map(|event| hex::encode(event.id))
        .collect();
    let wanted = events.len().to_string();
    let lines = python(site.folder.path(), CONSUMER, &[&broker.address(), &wanted]);
    let ids: BTreeSet<String> = lines.iter().map(|line| text(line, "event_id")).collect();
    assert_eq!(ids, events);
    collector.stop();

    // Whoever counts by episode counts what the clients have in their books.
    let mut counted: BTreeMap<(String, u32), BTreeSet<String>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["topic"] == "tiltwise.exposures") {
        assert_eq!(line["key"], line["anonymous_id"]);
        let propensity = line["propensity"].as_f64().unwrap();
        assert!(propensity > 0.0 && propensity <= 1.0, "{line}");
        assert!(line["timestamp"].as_str() <= line["received"].as_str(), "{line}");
        let arm = arm(&text(line, "experiment_id"), &text(line, "variation_id"));
        let episode = format!("{} {}", text(line, "anonymous_id"), text(line, "episode"));
        counted.entry(arm).or_default().insert(episode);
    }
    for (arm, total) in books(&senders) {
        // Late exposures are there, and not in the books.
        assert!(counted[&arm].len() as i64 >= total.n, "{arm:?}");
    }
}

fn text(line: &Value, field: &str) -> String {
    line[field]
        .as_str()
        .unwrap_or_else(|| panic!("{line}"))
        .to_owned()
}
