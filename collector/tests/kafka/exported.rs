//! What is exported of a log in Kafka, as a warehouse reads it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
};

use crate::{
    books::{Totals, arm},
    broker::{Broker, variable},
    sender::Sender,
    site::Collector,
    trouble::site,
};
use serde_json::Value;

const BATCHES: usize = 150;
/// Loads a collector, and returns those who did.
pub fn load(collector: &Collector) -> Vec<Sender> {
    let mut senders: Vec<Sender> = (1..=2).map(Sender::new).collect();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for sender in &mut senders {
            let tell = tell.clone();
            scope.spawn(move || sender.run(&collector.public, &tell));
        }
        (0..BATCHES).for_each(|_| told.recv().unwrap());
        drop(told);
    });
    senders
}

pub fn books(senders: &[Sender]) -> Totals {
    let mut books = Totals::new();
    for sender in senders {
        sender.books.add_to(&mut books);
    }
    books
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a Python program prints, a JSON value a line.
pub fn python(folder: &Path, program: &str, arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(variable("KAFKA_PYTHON"))
        .args(["-c", program])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const DUCKDB: &str = "
import duckdb, json, sys
for query in sys.argv[1:]:
    print(json.dumps(duckdb.sql(query).fetchall()))
";

/// The queries of the page, as they stand there.
fn documented() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/export.md")).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().trim().to_owned())
        .collect()
}

#[test]
fn a_warehouse_reads_the_exported_file_with_the_documented_queries_and_counts_what_the_clients_do() {
    let broker = Broker::start();
    let site = site(&broker.address(), "");
    site.run(&["topics", "create"]);
    let collector = site.start();
    let senders = load(&collector);
    collector.stop();
    site.run(&["export", "--format", "parquet", "--output", "decisions.parquet"]);

    let [assignments, metric, mean] = documented().try_into().unwrap();
    let by_variant = "SELECT experiment_id, variation_id, count(*), sum(round(reward * 1e6))::BIGINT \
                      FROM 'decisions.parquet' GROUP BY ALL";
    let typed =
        "SELECT typeof(timestamp), typeof(propensity), typeof(final) FROM 'decisions.parquet' LIMIT 1";
    let count = |query: &str| format!("SELECT count(*), count(timestamp) FROM ({query})");
    let said = python(
        site.folder.path(),
        DUCKDB,
        &[by_variant, &count(&assignments), &count(&metric), &mean, typed],
    );
    let mut found = Totals::new();
    for row in said[0].as_array().unwrap() {
        let total = found
            .entry(arm(row[0].as_str().unwrap(), row[1].as_str().unwrap()))
            .or_default();
        (total.n, total.sum_r_micros) = (row[2].as_i64().unwrap(), row[3].as_i64().unwrap());
    }
    let books = books(&senders);
    assert_eq!(found, books);
    let all: i64 = books.values().map(|total| total.n).sum();
    assert_eq!(said[1], serde_json::json!([[all, all]]));
    let signups = books.iter().filter(|((key, _), _)| key == "hero");
    let signups: i64 = signups.map(|(_, total)| total.sum_r_micros / 1_000_000).sum();
    assert_eq!(said[2], serde_json::json!([[signups, signups]]));
    // Nothing of a window of ten minutes is final yet.
    assert_eq!(said[3], serde_json::json!([[null]]));
    assert_eq!(
        said[4],
        serde_json::json!([["TIMESTAMP WITH TIME ZONE", "DOUBLE", "BOOLEAN"]])
    );
}
