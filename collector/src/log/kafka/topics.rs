//! Which topics there are, how they should be, and whether a cluster has them so.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Options,
    client::{
        Admin, Clerk, Connection, Consumer, Kind, Outgoing, PATIENCE, Producer, Read, Report, Topic, Trouble,
    },
    plain::{EXPOSURES, OUTCOMES},
};
use crate::log::LogClock;

/// What every record must fit into; ours have a quarter of it, and one large event.
const RECORD_BYTES: u64 = 1_000_000;
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

/// The topics, without their prefix: what was admitted; snapshots, and who leads; experiments and what was done to them; what
/// the topic of events would not take.
pub const EVENTS: &str = "events";
pub const MODELS: &str = "models";
pub const EXPERIMENTS: &str = "experiments";
pub const REJECTED: &str = "rejected";

/// How long a topic may keep a record beyond its retention: it lets go of whole segments, and closes one after this time.
pub fn segment_ms(retention_ms: u64) -> u64 {
    (retention_ms / 4).clamp(60_000, DAY_MS)
}

/// The topics, as the collector file wants them.
pub fn all(options: &Options) -> Vec<Topic> {
    let kafka = &options.kafka;
    // With three copies two must have a record: any one broker may be lost, and the other goes on.
    let in_sync = if kafka.replication > 1 { 2 } else { 1 };
    let topic = |name: &str, partitions: usize, settings: Vec<(&'static str, String)>| {
        let mut all = vec![
            ("min.insync.replicas", in_sync.to_string()),
            ("unclean.leader.election.enable", "false".to_owned()),
        ];
        all.extend(settings);
        Topic {
            name: kafka.topic(name),
            partitions,
            replication: kafka.replication,
            settings: all,
        }
    };
    let kept = |retention_ms: u64| {
        vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", retention_ms.to_string()),
            ("segment.ms", segment_ms(retention_ms).to_string()),
        ]
    };
    let mut events = kept(options.retention_ms);
    events.push(("max.message.bytes", RECORD_BYTES.to_string()));
    let mut rejected = kept(options.retention_ms);
    rejected.push(("max.message.bytes", (8 * RECORD_BYTES).to_string()));
    // The broker's own time on each, so that its clock can be compared with a collector's.
    rejected.push(("message.timestamp.type", "LogAppendTime".to_owned()));
    let compacted = || {
        vec![
            ("cleanup.policy", "compact".to_owned()),
            // What is replaced twice a second is let go of within the hour or so.
            ("segment.ms", HOUR_MS.to_string()),
            ("max.message.bytes", RECORD_BYTES.to_string()),
        ]
    };
    let mut all = vec![
        topic(EVENTS, kafka.partitions, events),
        // One partition each, since what they say has an order.
        topic(MODELS, 1, compacted()),
        topic(EXPERIMENTS, 1, compacted()),
        topic(REJECTED, 1, rejected),
    ];
    if kafka.plain_topics {
        let plain = [EXPOSURES, OUTCOMES];
        all.extend(plain.map(|name| topic(name, kafka.partitions, kept(options.retention_ms))));
    }
    all
}

/// Whether the topics that are read are there, and have the partitions that the collector file says.
pub fn look(options: &Options) -> Result<(), Trouble> {
    let connection = Connection::of(&options.kafka, "tiltwise-check")?;
    let admin = Admin::start(&connection)?;
    for topic in all(options) {
        if topic.name == options.kafka.topic(REJECTED) {
            continue;
        }
        let found = admin.find(&topic.name);
        match found.map_err(|trouble| connection.look_closer(trouble))? {
            None => return Err(Trouble::no_topic(&topic.name)),
            Some(found) if found.partitions != topic.partitions => {
                return Err(partitions(&topic, found.partitions, options));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What is wrong with the number of partitions that a topic was found with.
fn partitions(topic: &Topic, found: usize, options: &Options) -> Trouble {
    if topic.name == options.topic() || topic.partitions > 1 {
        return Trouble::other_partitions(&topic.name, found, topic.partitions);
    }
    Trouble {
        what: format!(
            "the topic {} has {found} partitions, and what it says has one order",
            topic.name
        ),
        remedy: "Make it anew with one: `tiltwise topics create` makes it so",
        kind: Kind::Standing,
    }
}

/// Makes a topic; false where it is there.
pub fn create(options: &Options, topic: &Topic) -> Result<bool, Trouble> {
    let connection = Connection::of(&options.kafka, "tiltwise-topics")?;
    let created = Admin::start(&connection)?.create(topic);
    let created = created.map_err(|trouble| connection.look_closer(trouble))?;
    wait_until_known(options, topic)?;
    Ok(created)
}

/// Until each of the named brokers has heard of a topic: whoever asks next may ask another than the one that made it.
fn wait_until_known(options: &Options, topic: &Topic) -> Result<(), Trouble> {
    let began = Instant::now();
    for server in &options.kafka.bootstrap_servers {
        let mut kafka = options.kafka.clone();
        kafka.bootstrap_servers = vec![server.clone()];
        let connection = Connection::of(&kafka, "tiltwise-topics")?;
        let is_known = || -> Result<bool, Trouble> {
            let found = Admin::start(&connection)?.find(&topic.name)?;
            Ok(found.is_some_and(|found| found.leaderless == 0))
        };
        // One that does not answer now has to learn of it when it comes back.
        while matches!(is_known(), Ok(false)) && began.elapsed() < 2 * PATIENCE {
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Everything about the topics that is not as the collector file says, or that will hurt.
pub fn compare(options: &Options) -> Result<Vec<Trouble>, Trouble> {
    let connection = Connection::of(&options.kafka, "tiltwise-check")?;
    compare_by(&Admin::start(&connection)?, options).map_err(|trouble| connection.look_closer(trouble))
}

fn compare_by(admin: &Admin, options: &Options) -> Result<Vec<Trouble>, Trouble> {
    let mut all = Vec::new();
    for topic in self::all(options) {
        let Some(found) = admin.find(&topic.name)? else {
            all.push(Trouble::no_topic(&topic.name));
            continue;
        };
        let name = &topic.name;
        let mut say = |what: String, remedy: &'static str| {
            all.push(Trouble {
                what,
                remedy,
                kind: Kind::Standing,
            });
        };
        if found.leaderless > 0 {
            say(
                format!("{} partitions of {name} have no leader", found.leaderless),
                "Bring the missing brokers back",
            );
        }
        if (found.replicas as u64) < topic.replication {
            say(
                format!(
                    "{name} has {} copies, and kafka.replication is {}",
                    found.replicas, topic.replication
                ),
                "Reassign its partitions with kafka-reassign-partitions, or lower kafka.replication",
            );
        }
        let setting = |setting: &str| admin.setting(name, setting);
        let number = |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok());
        if let Some(least) = number(setting("min.insync.replicas")?) {
            if (found.in_sync as i64) < least {
                say(
                    format!(
                        "{name} has {} copies in sync, and takes records only with {least}",
                        found.in_sync
                    ),
                    "Bring the missing brokers back, or lower its min.insync.replicas",
                );
            } else if least < 2 && topic.replication > 1 {
                say(
                    format!(
                        "{name} takes a record with one copy (min.insync.replicas = {least}), which one broker can lose"
                    ),
                    "Set its min.insync.replicas to 2",
                );
            }
        }
        if let Some(bytes) = number(setting("max.message.bytes")?)
            && bytes < 1_000_000
        {
            say(
                format!("{name} takes no record above {bytes} bytes"),
                "Set its max.message.bytes to 1000000",
            );
        }
        let policy = setting("cleanup.policy")?.unwrap_or_default();
        if is_compacted(&topic) {
            if policy != "compact" {
                say(
                    format!("{name} lets go of records by their age, and some of them are needed for good"),
                    "Set its cleanup.policy to compact",
                );
            }
        } else {
            if policy.contains("compact") {
                say(
                    format!("{name} is compacted, and its records have no keys"),
                    "Set its cleanup.policy to delete",
                );
            }
            let wanted = options.retention_ms as i64;
            if let Some(kept) = number(setting("retention.ms")?)
                && kept != wanted
            {
                say(
                    format!("{name} keeps records for {kept} ms, and log.retention is {wanted} ms"),
                    "Make them equal: erasures are remembered for log.retention, and must outlive the records",
                );
            }
        }
        if found.partitions != topic.partitions {
            all.push(partitions(&topic, found.partitions, options));
        }
    }
    Ok(all)
}

fn is_compacted(topic: &Topic) -> bool {
    let mut settings = topic.settings.iter();
    settings.any(|(name, value)| *name == "cleanup.policy" && value == "compact")
}

/// Everything that [`compare`] finds, and whether a record goes there and comes back, at a time that agrees with ours. It goes
/// to the topic of what was rejected, where the broker writes its own time on it.
pub fn try_out(options: &Options) -> Result<Vec<Trouble>, Trouble> {
    let mut all = compare(options)?;
    if all.is_empty() {
        all.extend(no_transactions(options)?);
    }
    if all.is_empty() {
        let off_ms = clock_off_ms(options)?;
        if off_ms.unsigned_abs() > CLOCK_OFF_MS {
            all.push(Trouble {
                what: format!("this machine's clock and the broker's differ by {off_ms} ms"),
                remedy: "Let both follow the same time servers: what is received is stamped here, and kept there by its stamp",
                kind: Kind::Standing,
            });
        }
    }
    Ok(all)
}

/// Why whoever leads could not write.
fn no_transactions(options: &Options) -> Result<Option<Trouble>, Trouble> {
    let connection = Connection::of(&options.kafka, "tiltwise-check")?;
    let id = options.kafka.topic("check");
    match Clerk::start(&connection, Some(&id), options.kafka.compression) {
        Ok(_) => Ok(None),
        // Whoever answers everything else has nobody who looks after transactions.
        Err(trouble) if trouble.kind == Kind::Passing => Ok(Some(Trouble {
            what: "the cluster begins no transactions".to_owned(),
            remedy: "Is its transaction.state.log.replication.factor above the number of its brokers? Its own log says so",
            kind: Kind::Standing,
        })),
        Err(trouble) => Ok(Some(trouble)),
    }
}

/// How far ahead this machine's clock is. A minute is what nobody's own time keeping should reach, and far less than harms.
const CLOCK_OFF_MS: u64 = 60_000;

fn clock_off_ms(options: &Options) -> Result<i64, Trouble> {
    let topic = options.kafka.topic(REJECTED);
    let connection = Connection::of(&options.kafka, "tiltwise-check")?;
    let (report, reported) = mpsc::channel();
    let send = move |outcome| {
        let _ = report.send(outcome);
    };
    let producer = Producer::start(&connection, &topic, "check", options.kafka.compression, send)?;
    let before_ms = LogClock::system().now_ms();
    producer.send(Outgoing {
        number: 1,
        partition: 0,
        stamp_ms: 0,
        record: &[],
        reason: Some("tiltwise check --connect"),
    })?;
    let offset = match reported.recv_timeout(2 * PATIENCE) {
        Ok(Report::Delivered { offset, .. }) => offset,
        Ok(Report::Failed { trouble, .. }) => return Err(trouble),
        Err(_) => return Err(Trouble::silent(&topic)),
    };
    let after_ms = LogClock::system().now_ms();
    let consumer = Consumer::start(&connection, &topic)?;
    consumer.read_on(0, offset)?;
    let began = Instant::now();
    while began.elapsed() < 2 * PATIENCE {
        match consumer.next(PATIENCE) {
            Read::Record {
                offset: found,
                stamp_ms,
                ..
            } if found == offset => {
                // Within the time that the way took, nothing can be said.
                let (ahead, behind) = (
                    before_ms.cast_signed() - stamp_ms,
                    stamp_ms - after_ms.cast_signed(),
                );
                return Ok(if ahead > 0 { ahead } else { -behind.max(0) });
            }
            Read::Trouble(trouble) => return Err(trouble),
            _ => {}
        }
    }
    Err(Trouble::silent(&topic))
}
