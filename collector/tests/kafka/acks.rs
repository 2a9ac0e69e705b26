//! What each kind of acknowledgement promises, end to end, and what becomes of a record that no broker will ever take.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    broker::{Broker, within},
    client::Connection,
    exported::python,
    site::{Collector, Site},
    topic,
    trouble::{key, order, site},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than every patience of a collector here.
const OUTAGE: Duration = Duration::from_secs(6);

/// A metric of the collector.
fn told(site: &Site, collector: &Collector, name: &str) -> u64 {
    let mut office = Connection::open(&collector.admin).unwrap();
    let bearer = format!("authorization: Bearer {}\r\n", site.keys().admin.expose());
    let page = office.get_with("/metrics", &bearer).unwrap();
    let text = String::from_utf8(page.body).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

/// How many events are in the topic, each once.
fn found(broker: &Broker, prefix: &str) -> usize {
    let topic = topic::read(&broker.address(), &format!("{prefix}.events"));
    topic.records.iter().map(|record| record.events.len()).sum()
}

#[test]
fn with_ack_broker_only_a_broker_acknowledges_and_with_ack_spool_the_disk_does_at_once() {
    let broker = Broker::start();
    let only_broker = site(
        &broker.address(),
        "topic_prefix = \"b.\"\nack = \"broker\"\nack_timeout = \"1s\"\n",
    );
    let only_spool = site(&broker.address(), "topic_prefix = \"s.\"\nack = \"spool\"\n");
    let sites = [&only_broker, &only_spool];
    let keys = sites.map(|site| {
        site.run(&["topics", "create"]);
        key(site)
    });
    let collectors = sites.map(Site::start);
    let orders = |id: &str| [0, 1].map(|at| order(&collectors[at], &keys[at], id));
    assert_eq!(orders("before"), [200, 200]);
    let spooled = |at: usize| told(sites[at], &collectors[at], "tiltwise_spool_records");
    let delivered = "tiltwise_kafka_delivered_total";
    within(PATIENCE, || {
        (told(&only_spool, &collectors[1], delivered) > 0 && spooled(1) == 0).then_some(())
    });

    thread::scope(|scope| {
        let outage = scope.spawn(|| broker.proxy.cut(OUTAGE));
        assert_eq!(orders("during"), [503, 200]);
        assert_eq!(spooled(0), 0, "nothing of it is kept on this disk");
        assert!(spooled(1) > 0);
        outage.join().unwrap();
    });
    let words = "has acknowledged a record for 3 seconds. Is Kafka running, has its disk room";
    within(PATIENCE, || only_spool.said().contains(words).then_some(()));
    within(PATIENCE, || {
        (order(&collectors[0], &keys[0], "after") == 200).then_some(())
    });
    within(PATIENCE, || (spooled(1) == 0).then_some(()));
    for collector in collectors {
        collector.stop();
    }
    // The one that was refused may have arrived all the same, and counts once if it is sent again.
    let [by_broker, by_spool] = ["b", "s"].map(|prefix| found(&broker, prefix));
    assert!([40, 60].contains(&by_broker), "{by_broker}");
    assert_eq!(by_spool, 40);
}

/// Sets a topic's settings, as an operator would.
const ALTER: &str = "
import json, sys
from kafka.admin import KafkaAdminClient, ConfigResource, ConfigResourceType
servers, topic, settings = sys.argv[1:]
KafkaAdminClient(bootstrap_servers=servers).alter_configs([
    ConfigResource(ConfigResourceType.TOPIC, topic, configs=json.loads(settings))])
";

pub fn alter(site: &Site, address: &str, topic: &str, settings: &Value) {
    python(
        site.folder.path(),
        ALTER,
        &[address, topic, &settings.to_string()],
    );
}

/// Prints the reason and the size of every record of a topic.
const REJECTED: &str = "
import json, sys
from kafka import KafkaConsumer
servers, topic = sys.argv[1:]
for record in KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset='earliest', consumer_timeout_ms=60000):
    print(json.dumps([dict(record.headers)['tiltwise-reason'].decode(), len(record.value)]))
    break
";

#[test]
fn a_record_that_can_never_be_delivered_is_rejected_and_counted_and_holds_up_nothing() {
    let broker = Broker::start();
    let site = site(&broker.address(), "compression = \"none\"\n");
    site.run(&["topics", "create"]);
    // Twenty events are more than that, and two are less.
    let small = json!({ "max.message.bytes": "1000" });
    alter(&site, &broker.address(), "tiltwise.events", &small);
    let key = key(&site);
    let collector = site.start();
    let rejected = || told(&site, &collector, "tiltwise_kafka_rejected_total");
    within(PATIENCE, || {
        assert_eq!(order(&collector, &key, "large"), 200);
        (rejected() > 0).then_some(())
    });
    let all = python(
        site.folder.path(),
        REJECTED,
        &[&broker.address(), "tiltwise.rejected"],
    );
    assert!(
        all[0][0]
            .as_str()
            .unwrap()
            .contains("takes no record of this size"),
        "{all:?}"
    );
    assert!(all[0][1].as_u64().unwrap() > 1_000, "{all:?}");

    let large = json!({ "max.message.bytes": "1000000" });
    alter(&site, &broker.address(), "tiltwise.events", &large);
    // A broker takes the setting up by itself, some time after it was told.
    let mut sent = 0;
    within(PATIENCE, || {
        let before = rejected();
        sent += 1;
        assert_eq!(order(&collector, &key, &format!("later{sent:03}")), 200);
        (rejected() == before).then_some(())
    });
    collector.stop();
    assert!(found(&broker, "tiltwise") >= 20);
}
