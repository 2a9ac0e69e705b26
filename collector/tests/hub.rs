//! What the hub promises: versions that only grow, history for as long as somebody may need it, and a way back.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tiltwise_collector::{
    hub::{Hub, HubError, Options, Place as Read},
    keys::Keys,
    log::LogClock,
    metrics::Metrics,
};
use tiltwise_core::{
    id::{RevisionId, UnitKind},
    model::Model,
    revision::{Condition, Metric, Policy, Revision, Sticky, Variant},
    snapshot::{Experiment, Phase, SnapshotContent},
};

const HOUR_MS: u64 = 3_600_000;

struct Place {
    folder: TempDir,
    keys: Arc<Keys>,
    wall: Arc<AtomicU64>,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (keys, token) = (folder.path().join("keys"), folder.path().join("keys/admin.token"));
        Keys::init(&keys, &token).unwrap();
        let keys = Arc::new(Keys::open(&keys, &token, 395 * 24 * HOUR_MS).unwrap());
        Self {
            folder,
            keys,
            wall: Arc::new(AtomicU64::new(1_700_000_000_000)),
        }
    }

    fn open(&self) -> Hub {
        let wall = self.wall.clone();
        let clock = LogClock::from_wall(move || wall.load(Ordering::Relaxed));
        let path = self.folder.path().join("hub");
        let options = Options {
            path,
            site: "shop".to_owned(),
            named_for_ms: 3 * HOUR_MS,
        };
        Hub::open(options, self.keys.clone(), clock, Arc::new(Metrics::new())).unwrap()
    }

    /// One among several.
    fn open_shared(&self) -> Hub {
        let wall = self.wall.clone();
        let clock = LogClock::from_wall(move || wall.load(Ordering::Relaxed));
        let options = Options {
            path: self.folder.path().join("shared"),
            site: "shop".to_owned(),
            named_for_ms: 3 * HOUR_MS,
        };
        Hub::open_shared(options, self.keys.clone(), clock, Arc::new(Metrics::new())).unwrap()
    }

    fn pass_ms(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::Relaxed);
    }
}

/// Two contents that differ.
fn content(gpc_limits: bool) -> Vec<u8> {
    SnapshotContent {
        experiments: Vec::new(),
        gpc_limits,
    }
    .encode()
}

/// Content that no other number has.
fn of_its_own(n: u8) -> Vec<u8> {
    let variant = |key: &str| Variant {
        key: key.to_owned(),
        value: n.to_string(),
    };
    let revision = Revision {
        key: "hero".to_owned(),
        salt: [n; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: 0,
        comparison_q30: 0,
        control: 0,
        variants: vec![variant("calm"), variant("bold")],
        when: Condition::always(),
        attributes: Vec::new(),
        policy: Policy {
            weights_q30: vec![1 << 29, 1 << 29],
            ..Policy::default()
        },
        metrics: vec![Metric::rate("signup", 60_000)],
        half_life_ms: 0,
        bucket_ms: 60_000,
        fine_ms: 5_000,
        horizon_units: 0,
    };
    let (revision_id, model) = (RevisionId(n.into()), Model::default());
    let experiment = Experiment {
        revision_id,
        revision,
        stopped: Vec::new(),
        phase: Phase::Running,
        model,
    };
    SnapshotContent {
        experiments: vec![experiment],
        gpc_limits: true,
    }
    .encode()
}

#[test]
fn versions_grow_over_restarts_and_the_newest_is_served_again() {
    let place = Place::new();
    let hub = place.open();
    let (first, second) = (
        hub.publish(&content(true), 5).unwrap(),
        hub.publish(&content(false), 6).unwrap(),
    );
    assert_eq!((first, second), ((1 << 32) + 1, (1 << 32) + 2));
    drop(hub);
    let hub = place.open();
    let newest = hub.newest().unwrap();
    assert_eq!(
        (newest.envelope.version, newest.envelope.folded_through_ms),
        (second, 6)
    );
    assert_eq!(hub.publish(&content(true), 7).unwrap(), (2 << 32) + 1);
}

#[test]
fn rolling_back_is_old_content_under_a_new_version() {
    let place = Place::new();
    let hub = place.open();
    let old = hub.publish(&content(true), 5).unwrap();
    hub.publish(&content(false), 6).unwrap();
    let again = hub.roll_back(old).unwrap();
    assert!(again > old);
    assert!(hub.newest().unwrap().content.gpc_limits);
    assert!(matches!(hub.roll_back(99), Err(HubError::NotHeld(99))));
}

#[test]
fn content_that_is_no_snapshot_is_not_published_and_costs_no_version() {
    let place = Place::new();
    let hub = place.open();
    assert!(matches!(
        hub.publish(b"no snapshot", 0),
        Err(HubError::Content(_))
    ));
    assert!(hub.newest().is_none());
    assert_eq!(hub.publish(&content(true), 0).unwrap(), (1 << 32) + 1);
}

#[test]
fn what_an_exposure_named_is_kept_and_the_rest_of_an_hour_is_thinned() {
    let place = Place::new();
    let hub = place.open();
    let publish = |n: u8| {
        place.pass_ms(1);
        hub.publish(&of_its_own(n), 0).unwrap()
    };
    let versions: Vec<u64> = (0..10).map(publish).collect();
    hub.named(versions[3]);
    place.pass_ms(2 * HOUR_MS);
    publish(10);
    let held: Vec<bool> = (0..10)
        .map(|n| {
            hub.content_by_hash(&Sha256::digest(of_its_own(n)).into())
                .is_some()
        })
        .collect();
    // The one that was named, and the last of its hour.
    assert_eq!(
        held,
        [false, false, false, true, false, false, false, false, false, true]
    );
    // Every version is still known, for the time of its publication.
    assert!(versions.iter().all(|version| hub.known(*version).is_some()));
    // And what was named is let go when nothing can depend on it any more.
    place.pass_ms(3 * HOUR_MS);
    publish(11);
    assert!(
        hub.content_by_hash(&Sha256::digest(of_its_own(3)).into())
            .is_none()
    );
}

#[test]
fn a_hub_among_several_shows_what_it_has_read_never_what_is_older_and_forgets_what_it_is_told_to() {
    let place = Place::new();
    let hub = place.open_shared();
    let take = |hub: &Hub, n: u8, epoch: u64, next: u64| {
        let content = of_its_own(n);
        let envelope = hub.seal(&content, (epoch << 32) + u64::from(n), next).unwrap();
        let newest = hub.place().unwrap().newest.max(envelope.version);
        hub.take(&envelope, Some(&content), Read { next, newest })
            .unwrap();
        envelope
    };
    let shown = |hub: &Hub| hub.newest().map(|newest| newest.envelope.version);
    let first = take(&hub, 1, 2, 10);
    assert_eq!(shown(&hub), None, "nobody knows yet whether it is the newest");
    hub.show_version(first.version).unwrap();
    let second = take(&hub, 1, 3, 20);
    hub.show_version(second.version).unwrap();
    // What a leader wrote that has been replaced since is known, and not shown.
    let late = take(&hub, 2, 2, 30);
    hub.show_version(late.version).unwrap();
    assert_eq!(shown(&hub), Some(second.version));
    assert!(hub.known(late.version).is_some());
    drop(hub);

    let hub = place.open_shared();
    assert_eq!(shown(&hub), None);
    let read = hub.place().unwrap();
    assert_eq!((read.next, read.newest), (30, second.version));
    hub.show_version(read.newest).unwrap();
    assert_eq!(shown(&hub), Some(second.version));
    hub.forget(vec![first.version], [late.hash].into()).unwrap();
    assert!(hub.known(first.version).is_none());
    assert!(hub.content_by_hash(&late.hash).is_none() && hub.content_by_hash(&second.hash).is_some());
    assert!(
        hub.known(late.version).unwrap().content.is_none(),
        "when it was published is known on"
    );
}
