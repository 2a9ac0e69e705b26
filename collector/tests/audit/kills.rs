//! kill -9 under load, while starting and while stopping, again and again. Batches that were not acknowledged are sent
//! again, and some are given up. Nothing that was acknowledged is missing, nothing is there twice, and the accumulators
//! hold what the clients' own books say, to the millionth.
//!
//! `cargo xtask torture embedded` runs the same for longer: `TORTURE_KILLS` says how often, `TORTURE_REPORT` where
//! the figures go.

use std::{env, fs, sync::mpsc, thread, time::Duration, time::Instant};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;

use crate::{
    books::{EXPERIMENTS, SETTINGS},
    inspection::{fold, inspect, sums},
    sender::Sender,
    site::Site,
};

const KILLS: u32 = 5;
const SENDERS: u8 = 4;
/// Far longer than a loaded machine needs for one batch.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn after_kill_9_every_acknowledged_event_is_there_once_and_the_sums_are_the_clients_own() {
    let kills = env::var("TORTURE_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let began = Instant::now();
    let site = Site::new(SETTINGS, EXPERIMENTS);
    let mut rng = SmallRng::seed_from_u64(kills.into());
    let mut senders: Vec<Sender> = (1..=SENDERS).map(Sender::new).collect();
    for kill in 0..kills {
        match kill % 5 {
            4 => while_starting(&site, &mut rng),
            3 => under_load(&site, &mut senders, &mut rng, true),
            _ => under_load(&site, &mut senders, &mut rng, false),
        }
    }
    let collector = site.start();
    for sender in &mut senders {
        sender.finish(&collector.public);
    }
    collector.stop();

    let records = site.records();
    let report = inspect(&site, records.iter().map(|(_, record)| record), &senders);
    let mut figures = report.json();
    figures["kills"] = kills.into();
    figures["seconds"] = began.elapsed().as_secs().into();
    for (name, of) in [
        (
            "acknowledged_when_sent_again",
            (|s| s.tally.known) as fn(&Sender) -> u64,
        ),
        ("late_exposures", |s| s.tally.late_exposures),
        ("broken_connections", |s| s.tally.broken_connections),
        ("batches_given_up", |s| s.given_up.len() as u64),
    ] {
        figures[name] = json!(senders.iter().map(of).sum::<u64>());
    }
    println!("{figures:#}");
    if let Ok(file) = env::var("TORTURE_REPORT") {
        fs::write(file, format!("{figures:#}\n")).unwrap();
    }
    assert!(report.is_clean(), "{figures:#}");

    // What went through the kills in checkpoints is what a count from nothing finds, to the bit.
    let mut kept = site.checkpoint();
    let below = records
        .iter()
        .filter(|(offset, _)| *offset < kept.offset)
        .map(|(_, record)| record);
    assert_eq!(sums(&mut kept.fold), sums(&mut fold(&site, below)));
    site.run(&["rebuild", "--check"]);
}

/// Kills after some batches; `stopping` lets it begin to end by itself first, when it commits and writes its checkpoint.
fn under_load(site: &Site, senders: &mut [Sender], rng: &mut SmallRng, stopping: bool) {
    let mut collector = site.start();
    let public = collector.public.clone();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for sender in senders.iter_mut() {
            let (tell, public) = (tell.clone(), public.as_str());
            scope.spawn(move || sender.run(public, &tell));
        }
        for _ in 0..rng.random_range(8..160) {
            told.recv_timeout(PATIENCE).unwrap();
        }
        if stopping {
            collector.tell_to_stop();
            collector.ends_within(Duration::from_millis(rng.random_range(0..80)));
        }
        collector.kill();
    });
}

fn while_starting(site: &Site, rng: &mut SmallRng) {
    let mut collector = site.spawn();
    collector.ends_within(Duration::from_millis(rng.random_range(0..400)));
    collector.kill();
}
