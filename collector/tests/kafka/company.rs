//! Several collectors of one site: one leads, all of them count, and what one publishes all of them serve; whoever dies or
//! sleeps is replaced, and comes back as one that stands by.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::SmallRng};
use serde_json::{Value, json};
use tiltwise_core::snapshot::Phase;

use crate::{
    books::{Books, EXPERIMENTS, SETTINGS, Totals},
    broker::{Broker, within},
    client::Connection,
    inspection::inspect,
    site::{Collector, Site, now_ms},
    topic,
    visits::{self, Held},
};

const PATIENCE: Duration = Duration::from_secs(60);
const PARTITIONS: usize = 4;
/// Within which another has to publish when a leader has died.
const TAKEOVER: Duration = Duration::from_secs(5);

/// A site whose collectors are called so, with one folder of keys and topics of so many partitions.
pub fn sites(broker: &Broker, names: &[&str], partitions: usize) -> Vec<Site> {
    let address = broker.address();
    let mut sites: Vec<Site> = Vec::new();
    for name in names {
        let settings = format!(
            "{SETTINGS}[log]\nkind = \"kafka\"\n[kafka]\nbootstrap_servers = [\"{address}\"]\npartitions = {partitions}\n\
             replication = 1\ncollector = \"{name}\"\n"
        );
        let site = Site::new(&settings, EXPERIMENTS);
        if let Some(first) = sites.first() {
            let file = site.folder.path().join("tiltwise.toml");
            let keys = first.folder.path().join("keys");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(file, format!("keys = {:?}\n{text}", keys.display().to_string())).unwrap();
        }
        sites.push(site);
    }
    sites[0].run(&["topics", "create"]);
    sites
}

/// Asks at the admin door; all collectors have the first one's token.
fn admin(sites: &[Site], collector: &Collector, path: &str, body: Option<&Value>) -> Value {
    let token = sites[0].folder.path().join("keys/admin.token");
    let token = fs::read_to_string(token).unwrap();
    let headers = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
        token.trim()
    );
    let mut connection = Connection::open(&collector.admin).unwrap();
    let answer = match body {
        None => connection.get_with(path, &headers),
        Some(body) => connection.post(path, &headers, body.to_string().as_bytes()),
    };
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn role(sites: &[Site], collector: &Collector) -> String {
    let state = admin(sites, collector, "/v1/admin/state", None);
    state["company"]["role"].as_str().unwrap().to_owned()
}

/// Waits until this collector leads.
fn wait_to_lead(sites: &[Site], collector: &Collector) {
    within(PATIENCE, || (role(sites, collector) == "leader").then_some(()));
}

fn held(collector: &Collector) -> Held {
    let snapshot = Connection::open(&collector.public).unwrap().snapshot();
    let (version, content) = snapshot.unwrap();
    Held {
        version,
        content,
        since_ms: now_ms(),
    }
}

/// The greatest version that a collector's stream has announced so far; it panics where one is less than one before.
fn follow(collector: &Collector) -> (Arc<AtomicU64>, thread::JoinHandle<()>) {
    let newest = Arc::new(AtomicU64::new(0));
    let (seen, public) = (newest.clone(), collector.public.clone());
    let follower = thread::spawn(move || {
        let connection = Connection::open(&public).unwrap();
        connection.follow(|announced| {
            let version = announced["version"].as_str().unwrap().parse().unwrap();
            let before = seen.swap(version, Ordering::AcqRel);
            assert!(before <= version, "{before} was followed by {version}");
            false
        });
    });
    (newest, follower)
}

fn post(collector: &Collector, bytes: &[u8]) {
    let answer = Connection::open(&collector.public)
        .unwrap()
        .post("/v1/e", "", bytes);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert!(
        answer.body.iter().all(|verdict| *verdict == 1),
        "{:?}",
        answer.body
    );
}

#[test]
fn when_a_leader_dies_another_publishes_within_five_seconds_and_all_have_counted_the_same() {
    let broker = Broker::start();
    let sites = sites(&broker, &["a", "b", "c"], PARTITIONS);
    let (mut books, mut rng) = (Books::default(), SmallRng::seed_from_u64(7));
    let mut sequence = 0;
    let mut send = |held: Held, to: &[&Collector]| {
        let batch = visits::batch(&mut rng, &held, ([3; 16], sequence), None);
        sequence += 1;
        // Sent again through another collector, it counts once.
        for collector in to {
            post(collector, &batch.bytes);
        }
        books.enter(&batch.entries);
    };
    let a = sites[0].start();
    for _ in 0..20 {
        send(held(&a), &[&a]);
    }
    Connection::open(&a.public).unwrap().wait_for_fold(now_ms());

    // One that joins has nothing of its own; when it says that it is ready it serves the newest.
    let before = held(&a).version;
    let b = sites[1].start();
    within(PATIENCE, || {
        let answer = Connection::open(&b.public).unwrap().get("/readyz").unwrap();
        (answer.status == 200).then_some(())
    });
    assert!(held(&b).version >= before);
    for n in 0..40 {
        // What one of them has published a moment ago, the other takes events of.
        let from = if n % 2 == 0 { &a } else { &b };
        let to = if n % 2 == 0 { &b } else { &a };
        let copies = if n % 3 == 0 { 2 } else { 1 };
        send(held(from), &[to, from][..copies]);
    }
    Connection::open(&b.public).unwrap().wait_for_fold(now_ms());

    // Whichever leads is killed, and the other goes on.
    let mut living = [Some(a), Some(b)];
    let leads = within(PATIENCE, || {
        let mut places = living.iter();
        places.position(|one| role(&sites, one.as_ref().unwrap()) == "leader")
    });
    let dies = living[leads].take().unwrap();
    let goes_on = living[1 - leads].take().unwrap();
    let (newest, follower) = follow(&goes_on);
    let last = held(&dies).version;
    dies.kill();
    let died = Instant::now();
    within(PATIENCE, || {
        (newest.load(Ordering::Acquire) >> 32 > last >> 32).then_some(())
    });
    let took = died.elapsed();
    println!("another published {took:?} after the leader had died");
    assert!(took < TAKEOVER, "{took:?}");
    for _ in 0..20 {
        send(held(&goes_on), &[&goes_on]);
    }

    // The one that died comes back, and has counted the same.
    let back = sites[leads].start();
    for _ in 0..10 {
        send(held(&back), &[&back, &goes_on]);
    }
    Connection::open(&back.public).unwrap().wait_for_fold(now_ms());
    goes_on.stop();
    follower.join().unwrap();
    // What is told to stop says so, and nobody waits for it.
    wait_to_lead(&sites, &back);
    back.stop();
    // Another may begin with what one of them has counted, and need not count it again.
    let state = |site: &Site| site.data().join("state");
    fs::create_dir_all(state(&sites[2])).unwrap();
    for file in fs::read_dir(state(&sites[leads])).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), state(&sites[2]).join(file.file_name())).unwrap();
    }
    let c = sites[2].start();
    wait_to_lead(&sites, &c);
    Connection::open(&c.public).unwrap().wait_for_fold(now_ms());
    c.stop();
    // Each has counted what a count of the topic from nothing comes to, to the bit.
    for site in &sites {
        site.run(&["rebuild", "--check"]);
    }
    let mut clients = Totals::new();
    books.add_to(&mut clients);
    let found = topic::read(&broker.address(), "tiltwise.events");
    let report = inspect(&sites[0], &found.records, &[]);
    assert_eq!(report.collectors, clients);
    assert_eq!(report.quarantined, 0);
    let events: Vec<_> = found.records.iter().flat_map(|record| &record.events).collect();
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert!(ids.len() < events.len(), "nothing lies in the topic twice");
}

#[test]
fn a_leader_that_slept_is_refused_and_stands_by_and_no_version_goes_back() {
    let broker = Broker::start();
    let sites = sites(&broker, &["a", "b"], PARTITIONS);
    let (a, b) = (sites[0].start(), sites[1].start());
    let (leader, other, site) = within(PATIENCE, || {
        let roles = (role(&sites, &a), role(&sites, &b));
        match (roles.0.as_str(), roles.1.as_str()) {
            ("leader", "standby") => Some((&a, &b, &sites[0])),
            ("standby", "leader") => Some((&b, &a, &sites[1])),
            _ => None,
        }
    });
    let ((sleeps, first), (watches, second)) = (follow(leader), follow(other));
    let last = held(leader).version;
    leader.signal("-STOP");
    within(PATIENCE, || {
        (watches.load(Ordering::Acquire) >> 32 > last >> 32).then_some(())
    });
    leader.signal("-CONT");
    // It goes on where it stopped, is refused, and serves what the other has published meanwhile.
    within(PATIENCE, || {
        (sleeps.load(Ordering::Acquire) >> 32 > last >> 32).then_some(())
    });
    within(PATIENCE, || (role(&sites, leader) == "standby").then_some(()));
    let said = "another collector leads now, and Kafka takes nothing from this one as its leader";
    within(PATIENCE, || site.said().contains(said).then_some(()));

    // A broker that dies ends no version either, whoever leads afterwards.
    broker.kill();
    let last = watches.load(Ordering::Acquire);
    within(PATIENCE, || {
        let both = [&sleeps, &watches].map(|newest| newest.load(Ordering::Acquire));
        (both.iter().min() > Some(&last)).then_some(())
    });
    a.stop();
    b.stop();
    first.join().unwrap();
    second.join().unwrap();
}

#[test]
fn what_is_said_at_one_collector_holds_for_all_and_an_older_file_overturns_nothing() {
    let broker = Broker::start();
    let sites = sites(&broker, &["a", "b"], PARTITIONS);
    let a = sites[0].start();
    wait_to_lead(&sites, &a);
    let b = sites[1].start();
    assert_eq!(held(&b).content.experiments.len(), 3, "those of the first leader");

    // A person acts at the one that stands by, and is answered once both serve it.
    let pause = json!({ "action": "pause", "experiment": "hero" });
    admin(&sites, &b, "/v1/admin/actions", Some(&pause));
    let is_paused = |collector: &Collector| {
        let content = held(collector).content;
        content.experiments[content.find("hero").unwrap()].phase == Phase::Paused
    };
    assert!(is_paused(&b));
    within(PATIENCE, || is_paused(&a).then_some(()));

    // So is an edit of a file there.
    let edited = EXPERIMENTS.replace("key = \"button\"", "key = \"knob\"");
    fs::write(sites[1].folder.path().join("experiments.toml"), &edited).unwrap();
    let has = |collector: &Collector, key: &str| held(collector).content.find(key).is_some();
    within(PATIENCE, || (has(&a, "knob") && has(&b, "knob")).then_some(()));

    // What is imported at one is known to both, and forgotten by both.
    let mut past = "at,who,device,arm,won\n".to_owned();
    for visitor in 0..400 {
        let arm = ["calm", "bold"][visitor % 2];
        let day_ago = now_ms() / 1_000 - 86_400;
        writeln!(past, "{day_ago},v{visitor},phone,{arm},{}", visitor % 3 / 2).unwrap();
    }
    fs::write(sites[1].folder.path().join("past.csv"), past).unwrap();
    let flags = "past.csv --experiment hero --time at --unit who --variant-column arm --outcome won --randomised calm=0.5,bold=0.5";
    sites[1].run(&[&["import"][..], &flags.split(' ').collect::<Vec<_>>()].concat());
    let imports = |collector: &Collector| {
        let state = admin(&sites, collector, "/v1/admin/state", None);
        let experiments = state["experiments"].as_array().unwrap();
        let hero = experiments.iter().find(|one| one["key"] == "hero").unwrap();
        hero["history"].as_array().map_or(0, Vec::len)
    };
    within(PATIENCE, || (imports(&a) == 1 && imports(&b) == 1).then_some(()));
    sites[0].run(&["import", "--forget", "hero"]);
    within(PATIENCE, || (imports(&a) == 0 && imports(&b) == 0).then_some(()));

    // Content is found by its hash wherever it is asked for.
    let state = admin(&sites, &a, "/v1/admin/state", None);
    let path = format!("/v1/snapshots/{}", state["model"]["hash"].as_str().unwrap());
    let found = Connection::open(&b.public).unwrap().get(&path).unwrap();
    assert_eq!(found.status, 200);

    // The first starts again with the file that it has, which is older than what holds.
    a.stop();
    wait_to_lead(&sites, &b);
    let a = sites[0].start();
    within(PATIENCE, || {
        let said = "the experiment file here is one that has held before";
        sites[0].said().contains(said).then_some(())
    });
    assert!(has(&a, "knob") && !has(&a, "button"));
    assert!(is_paused(&a), "what was done holds on");
    b.stop();
    a.stop();

    // Where Kafka is out of reach, one that starts serves what it had read.
    broker.proxy.part();
    let a = sites[0].start();
    let answer = Connection::open(&a.public).unwrap().get("/readyz").unwrap();
    assert_eq!(answer.status, 200);
    assert!(has(&a, "knob") && is_paused(&a));
    broker.proxy.mend();
    wait_to_lead(&sites, &a);
    a.stop();
}
