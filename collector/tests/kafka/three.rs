//! Three brokers, of which one is lost.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::{
    books::{EXPERIMENTS, SETTINGS},
    broker::variable,
    site::Site,
    topic,
    trouble::{key, order},
};

/// Ended where a test forgets it: asked to, since whoever is killed ends nobody.
struct Cluster(Child);

impl Drop for Cluster {
    fn drop(&mut self) {
        if signal("-TERM", &self.0.id().to_string()) {
            let _ = self.0.wait();
        }
    }
}

fn signal(name: &str, pid: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args([name, pid]).stderr(Stdio::null());
    kill.status().unwrap().success()
}

#[test]
fn with_three_brokers_two_of_which_must_have_a_record_one_may_die_and_all_end_together() {
    let mut command = Command::new(variable("KAFKA_XTASK"));
    command.args([
        "kafka",
        "--nodes",
        "3",
        "--as-long-as",
        &std::process::id().to_string(),
    ]);
    let mut cluster = Cluster(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(cluster.0.stdout.take().unwrap()).lines();
    let mut pids = Vec::new();
    let addresses = loop {
        let line = said.next().unwrap().unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["broker", _, "pid", pid, ..] => pids.push((*pid).to_owned()),
            ["kafka", addresses] => break (*addresses).to_owned(),
            _ => {}
        }
    };
    assert_eq!(pids.len(), 3);
    let servers: Vec<&str> = addresses.split(',').collect();
    // Longer than a cluster takes to choose other leaders.
    let kafka = format!(
        "{SETTINGS}[log]\nkind = \"kafka\"\n[kafka]\nbootstrap_servers = {servers:?}\npartitions = 4\nack = \"broker\"\n\
         ack_timeout = \"60s\"\n"
    );
    let site = Site::new(&kafka, EXPERIMENTS);
    site.run(&["topics", "create"]);
    site.run(&["topics", "check"]);
    let key = key(&site);
    let collector = site.start();
    assert_eq!(order(&collector, &key, "before"), 200);
    assert!(signal("-KILL", &pids[1]));
    for turn in 0..8 {
        assert_eq!(order(&collector, &key, &format!("after{turn}")), 200);
    }
    collector.stop();
    let found = topic::read(&addresses, "tiltwise.events").records;
    let events: usize = found.iter().map(|record| record.events.len()).sum();
    assert_eq!(events, 9 * 20);

    assert!(signal("-TERM", &cluster.0.id().to_string()));
    assert!(cluster.0.wait().unwrap().success());
    for pid in &pids {
        assert!(!signal("-0", pid), "broker {pid} still runs");
    }
}
