//! What is not as it should be is said in words, with the remedy, and nothing is skipped or lost over it.

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tiltwise_core::event::LogRecord;

use crate::{
    books::{EXPERIMENTS, SETTINGS},
    broker::{Broker, lib, within},
    client::Connection,
    site::{Collector, Site},
    topic,
};

const PATIENCE: Duration = Duration::from_secs(60);

pub fn site(address: &str, more: &str) -> Site {
    let kafka = format!(
        "{SETTINGS}[log]\nkind = \"kafka\"\n[kafka]\nbootstrap_servers = [\"{address}\"]\npartitions = 2\nreplication = 1\n{more}"
    );
    Site::new(&kafka, EXPERIMENTS)
}

/// Puts bytes into partition 0 that no collector has written, with Kafka's own tool.
fn write(broker: &Broker, topic: &str, value: &str) {
    let mut producer = Command::new("java")
        .arg("-cp")
        .arg(lib().join("*"))
        .arg("org.apache.kafka.tools.ConsoleProducer")
        .args(["--bootstrap-server", &broker.address(), "--topic", topic])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = producer.stdin.take().unwrap();
    writeln!(input, "{value}").unwrap();
    drop(input);
    assert!(producer.wait().unwrap().success());
}

/// Runs what must fail, and returns what it says of that.
fn refused(site: &Site, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tiltwise"))
        .args(arguments)
        .current_dir(&site.folder)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?} went well");
    String::from_utf8(output.stderr).unwrap()
}

/// A secret of a server, known to the collector.
pub fn key(site: &Site) -> String {
    site.run(&["keys", "server", "add", "shop"]).trim().to_owned()
}

/// Sends an order of twenty events, and returns the status.
pub fn order(collector: &Collector, key: &str, id: &str) -> u16 {
    let mut random = [7; 16];
    for (byte, of) in random.iter_mut().zip(id.bytes()) {
        *byte = of;
    }
    let visitor = tiltwise_core::id::Visitor::mint(crate::site::now_ms(), random);
    let events: Vec<_> = (0..20)
        .map(|n| {
            serde_json::json!({ "visitor": hex::encode(visitor.0), "id": format!("{id}-{n}"),
                "outcome": { "name": "purchase", "value": 1.0, "currency": "EUR" } })
        })
        .collect();
    let body = serde_json::json!({ "events": events }).to_string();
    let mut connection = Connection::open(&collector.public).unwrap();
    let headers = format!("authorization: Bearer {key}\r\n");
    connection
        .post("/v1/e", &headers, body.as_bytes())
        .unwrap()
        .status
}

#[test]
fn nobody_at_the_address_a_missing_topic_and_other_partitions_are_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let said = refused(&site(&nowhere, ""), &["check", "--connect"]);
    assert!(
        said.contains(&format!("no broker answers at {nowhere}")),
        "{said}"
    );

    let broker = Broker::start();
    let two = site(&broker.address(), "");
    let said = refused(&two, &["check", "--connect"]);
    assert!(
        said.contains("the topic tiltwise.events does not exist. `tiltwise topics create`"),
        "{said}"
    );
    let said = refused(&two, &["serve"]);
    assert!(
        said.contains("the topic tiltwise.events does not exist"),
        "{said}"
    );
    two.run(&["topics", "create"]);
    two.run(&["check", "--connect"]);

    let four = fs::read_to_string(two.folder.path().join("tiltwise.toml"));
    let four = four.unwrap().replace("partitions = 2", "partitions = 4");
    fs::write(two.folder.path().join("tiltwise.toml"), four).unwrap();
    for command in [
        ["check", "--connect"].as_slice(),
        &["topics", "check"],
        &["serve"],
    ] {
        let said = refused(&two, command);
        assert!(
            said.contains("tiltwise.events has 2 partitions, and kafka.partitions is 4"),
            "{said}"
        );
    }
}

#[test]
fn what_is_not_ours_or_newer_stops_the_trainer_with_words_and_events_are_still_taken() {
    let broker = Broker::start();
    for (value, words) in [
        (
            "what a stranger wrote",
            "where it is not ours, something else writes to this topic",
        ),
        (
            "\u{8}\u{63}",
            "wire version 99 is newer than 1: upgrade this part first",
        ),
    ] {
        let site = site(
            &broker.address(),
            &format!("topic_prefix = \"p{}.\"\n", value.len()),
        );
        site.run(&["topics", "create"]);
        let key = key(&site);
        let collector = site.start();
        let topic = format!("p{}.events", value.len());
        write(&broker, &topic, value);
        within(PATIENCE, || site.said().contains(words).then_some(()));
        assert_eq!(order(&collector, &key, "after"), 200);
        collector.stop();
        // Nothing was skipped: a count of the topic stops at the same place.
        let said = refused(&site, &["rebuild"]);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn an_outage_is_bridged_until_the_spool_is_full_and_what_it_took_arrives_afterwards() {
    let broker = Broker::start();
    let site = site(&broker.address(), "spool_max_bytes = \"100kB\"\n");
    site.run(&["topics", "create"]);
    let key = key(&site);
    let collector = site.start();
    assert_eq!(order(&collector, &key, "before"), 200);

    let stopped = thread::scope(|scope| {
        let outage = scope.spawn(|| broker.proxy.cut(Duration::from_secs(8)));
        let mut taken = 0;
        let refused = within(PATIENCE, || {
            let status = order(&collector, &key, &format!("during{taken:08}"));
            taken += u64::from(status == 200);
            (status != 200).then_some(status)
        });
        assert_eq!(refused, 503);
        outage.join().unwrap();
        taken
    });
    assert!(stopped > 10, "only {stopped} were taken during the outage");
    within(PATIENCE, || {
        (order(&collector, &key, "afterwards") == 200).then_some(())
    });
    collector.stop();
    let found = topic::read(&broker.address(), "tiltwise.events");
    let events: usize = found
        .records
        .iter()
        .map(|record: &LogRecord| record.events.len())
        .sum();
    assert!(
        events as u64 >= (stopped + 2) * 20,
        "{events} events for {stopped} batches"
    );
}

#[test]
fn a_broker_that_demands_tls_and_a_password_is_told_from_one_that_is_not_there() {
    let broker = Broker::start_with(&["--secure"]);
    let [address, user, password, certificate] = broker.secure.as_slice() else {
        panic!("{:?}", broker.secure);
    };
    let tried = |tls: &str, mechanism: &str, password: &str| {
        let site = site(address, "");
        let file = site.folder.path().join("password");
        fs::write(&file, format!("{password}\n")).unwrap();
        let config = site.folder.path().join("tiltwise.toml");
        let mut text = fs::read_to_string(&config).unwrap();
        text.push_str(tls);
        if !mechanism.is_empty() {
            let _ = writeln!(
                text,
                "sasl = {{ mechanism = \"{mechanism}\", username = \"{user}\", password_file = \"password\" }}"
            );
        }
        fs::write(config, text).unwrap();
        site
    };
    let tls = format!("tls = {{ ca_file = \"{certificate}\" }}\n");
    let said = refused(&tried("", "", ""), &["check", "--connect"]);
    assert!(
        said.contains("(one that demands TLS hangs up on those without)"),
        "{said}"
    );
    let said = refused(
        &tried("tls = { enabled = true }\n", "PLAIN", password),
        &["check", "--connect"],
    );
    assert!(
        said.contains("TLS with") && said.contains("kafka.tls.ca_file"),
        "{said}"
    );
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let said = refused(&tried(&tls, mechanism, "guessed"), &["check", "--connect"]);
        assert!(said.contains("refuses who this collector says it is"), "{said}");
        let site = tried(&tls, mechanism, password);
        site.run(&["topics", "create"]);
        site.run(&["check", "--connect"]);
        let key = key(&site);
        let collector = site.start();
        assert_eq!(order(&collector, &key, mechanism), 200);
        collector.stop();
        let counted = site.run(&["tail"]);
        assert_eq!(
            counted.lines().filter(|line| line.contains("purchase")).count() % 20,
            0,
            "{counted}"
        );
    }
}
