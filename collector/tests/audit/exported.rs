//! What `tiltwise export` writes, against the books of those who sent it.

use std::{collections::BTreeSet, fs, process::Command, sync::mpsc, thread};

use serde_json::{Value, json};
use tiltwise_collector::keys::servers::Kind;

use crate::{
    books::{EXPERIMENTS, SETTINGS, Totals, arm},
    canary::{self, Person},
    erasure::erase,
    sender::Sender,
    site::Site,
};

const BATCHES: usize = 150;

/// The rows, and what was said beside them.
fn exported(site: &Site, arguments: &[&str]) -> (Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tiltwise"))
        .arg("export")
        .args(arguments)
        .current_dir(&site.folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (rows.collect(), said)
}

/// How many rows each variant has, and what they bring, as books count it.
fn totals(rows: &[Value]) -> Totals {
    let mut totals = Totals::new();
    for row in rows {
        let experiment = row["experiment_id"].as_str().unwrap();
        let variation = row["variation_id"].as_str().unwrap();
        let total = totals.entry(arm(experiment, variation)).or_default();
        total.n += 1;
        total.sum_r_micros += (row["reward"].as_f64().unwrap() * 1e6).round() as i64;
    }
    totals
}

#[test]
fn the_rows_of_a_variant_are_as_many_and_bring_as_much_as_the_clients_own_books_say() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let collector = site.start();
    let mut senders: Vec<Sender> = (1..=2).map(Sender::new).collect();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let public = collector.public.as_str();
        for sender in &mut senders {
            let tell = tell.clone();
            scope.spawn(move || sender.run(public, &tell));
        }
        (0..BATCHES).for_each(|_| told.recv().unwrap());
        drop(told);
    });
    collector.stop();
    let mut books = Totals::new();
    for sender in &senders {
        sender.books.add_to(&mut books);
    }

    let (rows, said) = exported(&site, &[]);
    assert_eq!(totals(&rows), books, "{said}");
    let at = |row: &Value| row["timestamp"].as_str().unwrap().to_owned();
    assert!(rows.is_sorted_by_key(&at), "oldest first");
    for row in &rows {
        let propensity = row["propensity"].as_f64().unwrap();
        assert!(propensity > 0.0 && propensity <= 1.0, "{row}");
        let (outcome, reward) = (row["outcome"].as_str().unwrap(), row["reward"].as_f64().unwrap());
        // Purchases are in EUR and capped at 100; the others count once.
        let worth = row["outcomes"][outcome].as_f64().unwrap();
        let scale = if outcome == "purchase" { 100.0 } else { 1.0 };
        assert!((worth - reward * scale).abs() < 1e-4, "{row}");
    }

    let middle = at(&rows[rows.len() / 2]);
    let (before, _) = exported(&site, &["--until", &middle]);
    let (after, _) = exported(&site, &["--since", &middle]);
    assert_eq!([before.as_slice(), after.as_slice()].concat(), rows);
    let (hero, _) = exported(&site, &["--experiment", "hero"]);
    let expected: Vec<Value> = rows
        .iter()
        .filter(|row| row["experiment_id"] == "hero")
        .cloned()
        .collect();
    assert_eq!(hero, expected);

    exported(&site, &["--output", "decisions.jsonl"]);
    let file = fs::read_to_string(site.folder.path().join("decisions.jsonl")).unwrap();
    assert_eq!(file.lines().count(), rows.len());

    // A running collector has the log to itself. It has counted nothing since its checkpoint.
    let collector = site.start();
    let (beside, said) = exported(&site, &[]);
    assert!(said.contains("A collector is running"), "{said}");
    assert_eq!(totals(&beside), books);
    collector.stop();
}

#[test]
fn of_an_erased_visitor_there_is_no_row_and_of_the_others_what_there_was() {
    let site = Site::new(canary::SETTINGS, canary::EXPERIMENTS);
    let key = site.keys().servers.add("ads", Kind::Server, 0).unwrap();
    let people = ["canary", "bystander"].map(Person::new);
    let collector = site.start();
    for person in &people {
        person.act(&collector, key.as_str(), 0);
    }
    let erased = &people[0];
    collector.stop();
    let units = |rows: &[Value]| -> BTreeSet<String> {
        let units = rows
            .iter()
            .map(|row| row["anonymous_id"].as_str().unwrap().to_owned());
        units.collect()
    };
    let of = |person: &Person| person.pseudonyms(&site).map(|unit| hex::encode(unit.0));
    let (before, _) = exported(&site, &[]);
    assert_eq!(units(&before), people.iter().flat_map(of).collect());

    let collector = site.start();
    erase(
        &site,
        &collector,
        &json!({ "visitor": hex::encode(erased.visitor.0) }),
    );
    collector.stop();
    let (after, _) = exported(&site, &[]);
    let visitor = &of(erased)[0];
    let expected: Vec<Value> = before
        .into_iter()
        .filter(|row| row["anonymous_id"] != visitor.as_str())
        .collect();
    assert_eq!(after, expected);
}
