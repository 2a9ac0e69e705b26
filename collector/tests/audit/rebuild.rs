//! The trainer's state is a convenience: without it the log is counted again, and comes to the same.

use std::{fs, sync::mpsc, thread};

use serde_json::Value;

use crate::{
    books::{EXPERIMENTS, RULES, SETTINGS},
    client::Connection,
    sender::Sender,
    site::{Site, now_ms},
};

const BATCHES: u32 = 60;

#[test]
fn a_deleted_state_is_counted_again_from_the_log_to_the_same_digest_at_the_same_tick() {
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let mut sender = Sender::new(1);
    let collector = site.start();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let (sender, public) = (&mut sender, collector.public.as_str());
        scope.spawn(move || sender.run(public, &tell));
        for _ in 0..BATCHES {
            told.recv().unwrap();
        }
    });
    collector.stop();
    site.run(&["rebuild", "--check"]);
    let before: Value = serde_json::from_str(&site.run(&["rebuild", "--json"])).unwrap();
    assert_eq!(before["digests"].as_array().unwrap().len(), RULES.len());

    fs::remove_dir_all(site.data().join("state")).unwrap();
    let collector = site.start();
    Connection::open(&collector.public)
        .unwrap()
        .wait_for_fold(now_ms());
    collector.stop();

    // The collector's own count, written down as it stopped, is the log's.
    site.run(&["rebuild", "--check"]);
    let tick = before["tick"].to_string();
    let after: Value = serde_json::from_str(&site.run(&["rebuild", "--json", "--tick", &tick])).unwrap();
    assert_eq!(
        (&after["tick"], &after["digests"]),
        (&before["tick"], &before["digests"])
    );
}
