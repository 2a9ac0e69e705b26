//! Collector and broker are killed (-9) in random order, the broker is stopped and goes on, the network is cut: and nothing
//! that was acknowledged is missing, nothing counts twice, and the sums are the clients' own books to the millionth. Another
//! collector of the site stands by all the time, leads whenever it has to, and counts the same.
//!
//! `TORTURE_COLLECTOR_KILLS`, `TORTURE_BROKER_KILLS` and `TORTURE_MINUTES` make it longer; `TORTURE_REPORT` says where the
//! figures go.

use std::{
    env, fs,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;

use crate::{
    broker::Broker,
    client::Connection,
    company::sites,
    inspection::inspect,
    sender::Sender,
    site::{Site, now_ms},
    topic,
};

const COLLECTOR_KILLS: u32 = 5;
const BROKER_KILLS: u32 = 3;
const SENDERS: u8 = 4;
const PARTITIONS: usize = 8;
/// Longer than a loaded machine needs for one batch while the broker starts.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Collector,
    Broker,
    /// The broker is stopped, or the network cut, for a moment.
    Pause,
    Cut,
}

#[test]
fn after_kills_of_collector_and_broker_every_acknowledged_event_is_in_the_topic_and_counts_once() {
    let number = |name: &str, default: u32| env::var(name).map_or(default, |text| text.parse().unwrap());
    let collector_kills = number("TORTURE_COLLECTOR_KILLS", COLLECTOR_KILLS);
    let broker_kills = number("TORTURE_BROKER_KILLS", BROKER_KILLS);
    let minutes: f64 = env::var("TORTURE_MINUTES").map_or(0.0, |text| text.parse().unwrap());
    let mut rng = SmallRng::seed_from_u64((collector_kills + broker_kills).into());
    let blows = blows(collector_kills, broker_kills, &mut rng);
    let rest = Duration::from_secs_f64(minutes * 60.0) / blows.len() as u32;

    let broker = Broker::start();
    let [site, companion]: [Site; 2] = sites(&broker, &["a", "b"], PARTITIONS).try_into().ok().unwrap();
    site.run(&["topics", "check"]);
    let stands_by = companion.start();
    let began = Instant::now();
    let mut senders: Vec<Sender> = (1..=SENDERS).map(Sender::new).collect();
    let mut lives = blows.split_inclusive(|blow| *blow == Blow::Collector).peekable();
    while let Some(life) = lives.next() {
        let one_more = lives.peek().is_none();
        live(&site, &broker, &mut senders, life, rest, &mut rng, one_more);
    }

    let collector = site.start();
    for sender in &mut senders {
        sender.finish(&collector.public);
    }
    // A collector announces what the leader has counted. Alone it leads, and that is its own count.
    stands_by.stop();
    Connection::open(&collector.public)
        .unwrap()
        .wait_for_fold(now_ms());
    collector.stop();

    let found = topic::read(&broker.address(), "tiltwise.events");
    let report = inspect(&site, &found.records, &senders);
    let mut figures = report.json();
    figures["collector_kills"] = collector_kills.into();
    figures["broker_kills"] = broker_kills.into();
    figures["pauses_and_cuts"] = (blows.len() as u32 - collector_kills - broker_kills).into();
    figures["seconds"] = began.elapsed().as_secs().into();
    figures["records_sent_twice"] = found.sent_twice.into();
    // A batch that was sent again to a collector that knows nothing of it any more lies in the topic a second time. What
    // counts is what is counted.
    figures["copies_of_events"] = report.counted_twice.into();
    figures["found"] = (report.found - report.counted_twice).into();
    figures["counted_twice"] = report.too_much().into();
    figures["misplaced"] = found.misplaced.into();
    let late: u64 = senders.iter().map(|sender| sender.tally.late_exposures).sum();
    figures["late_exposures"] = json!(late);
    println!("{figures:#}");
    if let Ok(file) = env::var("TORTURE_REPORT") {
        fs::write(file, format!("{figures:#}\n")).unwrap();
    }
    assert_eq!(found.misplaced, 0, "{figures:#}");
    assert!(report.is_whole_in_effect(), "{figures:#}");
    // What went through the kills in checkpoints is what a count of the topic from nothing finds, to the bit.
    site.run(&["rebuild", "--check"]);
    companion.run(&["rebuild", "--check"]);
}

/// The kills in random order, with a pause or a cut before every other one.
fn blows(collector_kills: u32, broker_kills: u32, rng: &mut SmallRng) -> Vec<Blow> {
    let (mut collectors, mut brokers) = (collector_kills, broker_kills);
    let mut blows = Vec::new();
    while collectors + brokers > 0 {
        if rng.random_bool(0.5) {
            blows.push(if rng.random_bool(0.5) {
                Blow::Pause
            } else {
                Blow::Cut
            });
        }
        if rng.random_range(0..collectors + brokers) < collectors {
            collectors -= 1;
            blows.push(Blow::Collector);
        } else {
            brokers -= 1;
            blows.push(Blow::Broker);
        }
    }
    blows
}

/// A collector under load, until the blow that kills it.
fn live(
    site: &Site,
    broker: &Broker,
    senders: &mut [Sender],
    blows: &[Blow],
    rest: Duration,
    rng: &mut SmallRng,
    is_last: bool,
) {
    let collector = site.start();
    let public = collector.public.clone();
    let over = AtomicBool::new(false);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for sender in senders.iter_mut() {
            let (tell, public, over) = (tell.clone(), public.as_str(), &over);
            scope.spawn(move || {
                // A collector that refuses for a moment is not gone.
                while !over.load(Ordering::Acquire) {
                    sender.run(public, &tell);
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        for blow in blows {
            let until = Instant::now() + rest;
            for _ in 0..rng.random_range(8..120) {
                told.recv_timeout(PATIENCE).unwrap();
            }
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                let _ = told.recv_timeout(left);
            }
            let moment = Duration::from_millis(rng.random_range(50..2_000));
            match blow {
                Blow::Collector => {}
                Blow::Broker => broker.kill(),
                Blow::Pause => broker.pause(moment),
                Blow::Cut => broker.proxy.cut(moment),
            }
        }
        over.store(true, Ordering::Release);
        if is_last {
            // The last one is asked to end, and writes its checkpoint.
            collector.stop();
        } else {
            collector.kill();
        }
    });
}
