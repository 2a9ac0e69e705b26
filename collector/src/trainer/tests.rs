//! The trainer over a real log and hub: what it publishes, keeps, resumes and forgets.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;
use tiltwise_core::event::{Exposure, Fact, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::features::fine_slot;
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Params, Verdict};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::AttributeKind;

use super::{CheckpointError, Checkpoints, Options, Parts, Plan, Trainer, TrainerError, checkpoint, replay};
use crate::experiments::{Action, Experiments, Revisions, Verb};
use crate::hub::{self, Hub};
use crate::keys::Keys;
use crate::log::retention::Retention;
use crate::log::{EmbeddedLog, EventLog, LogClock, Part, Source, encode_events, erase};
use crate::metrics::Metrics;

mod standby;

const FILE: &str = r#"
[[experiment]]
key = "button"
name = "Button"
unit = "visitor"
control = "green"
variants = [{ key = "green", value = "g" }, { key = "red", value = "r" }]
policy = { kind = "fixed", weights = { green = 0.5, red = 0.5 } }
metric = { event = "signup", window = "30m" }
"#;

struct Site {
    folder: TempDir,
    log: Arc<EmbeddedLog>,
    parts: Parts,
    experiments: Experiments,
}

impl Site {
    fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap())
    }

    fn open_in(folder: TempDir) -> Self {
        let path = |name: &str| folder.path().join(name);
        let (keys, token) = (path("keys"), path("keys/admin.token"));
        if !keys.exists() {
            Keys::init(&keys, &token).unwrap();
        }
        let keys = Arc::new(Keys::open(&keys, &token, 395 * 86_400_000).unwrap());
        let metrics = Arc::new(Metrics::new());
        let options = crate::log::Options {
            reserve_bytes: 0,
            ..crate::log::Options::at(path("log"))
        };
        let log = Arc::new(EmbeddedLog::open(&options, LogClock::system(), metrics.clone()).unwrap());
        let options = hub::Options {
            path: path("snapshots"),
            site: "shop".into(),
            named_for_ms: 1,
        };
        let hub = Arc::new(Hub::open(options, keys, log.clock().clone(), metrics.clone()).unwrap());
        let revisions = Arc::new(Revisions::open(&path("revisions")).unwrap());
        let parts = Parts {
            log: log.clone(),
            press: hub.clone(),
            hub,
            metrics,
            revisions,
            steward: None,
        };
        let experiments = Experiments::check("experiments.toml", FILE, "shop").unwrap();
        Self {
            folder,
            log,
            parts,
            experiments,
        }
    }

    /// As after a crash or a shutdown: everything is opened anew.
    fn reopen(self) -> Self {
        let Self {
            folder, log, parts, ..
        } = self;
        log.close();
        drop((log, parts));
        Self::open_in(folder)
    }

    fn options(&self) -> Options {
        Options {
            folder: self.folder.path().join("state"),
            params: Params::default(),
            retention: Some(Retention {
                keep_ms: 86_400_000,
                max_bytes: u64::MAX,
            }),
            checkpoint_every: Duration::from_secs(3_600),
        }
    }

    fn train(&self) -> Trainer {
        let plan = Plan::of(&self.experiments, &[], true);
        Trainer::start(self.parts.clone(), self.options(), plan).unwrap()
    }

    fn revision(&self) -> RevisionId {
        self.experiments.definitions[0].id
    }

    /// A visit, rewarded if its number is divisible by three.
    fn visit(&self, unit: u16) {
        self.visit_with(unit, Vec::new());
    }

    fn visit_with(&self, unit: u16, slots: Vec<u32>) {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&unit.to_be_bytes());
        let received_ms = self.log.clock().now_ms();
        let event = |last, fact| LoggedEvent {
            id: [last; 16],
            unit: Pseudonym(bytes),
            received_ms,
            at_ms: received_ms,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        };
        let mut events = vec![event(
            1,
            Fact::Exposure(Exposure {
                slots,
                ..self.exposure(u32::from(unit % 2))
            }),
        )];
        if unit.is_multiple_of(3) {
            events.push(event(2, Fact::Outcome(LoggedOutcome::new("signup", 0.0, ""))));
        }
        self.append(&events);
    }

    fn exposure(&self, arm: u32) -> Exposure {
        Exposure {
            revision: self.revision(),
            model: 1,
            episode: 0,
            arm,
            draw: 0,
            slots: Vec::new(),
            values_q10: Vec::new(),
            propensities_q30: vec![ONE_Q30 / 2; 2],
            predictions_micros: Vec::new(),
            variances_micros: Vec::new(),
            flags: 0,
            unit_kind: UnitKind::Visitor,
        }
    }

    fn append(&self, events: &[LoggedEvent]) {
        let receipt = self
            .log
            .append(vec![Part {
                key: None,
                events: encode_events(events),
            }])
            .unwrap();
        receipt.wait().unwrap();
    }

    fn sums(&self, trainer: &Trainer) -> Vec<u8> {
        trainer.catch_up(&*self.log).unwrap();
        trainer.read(|state| state.fold.clone().sums_bytes(self.revision()))
    }

    fn wait_for(&self, what: impl Fn(&hub::Published) -> bool) -> Arc<hub::Published> {
        let began = Instant::now();
        loop {
            if let Some(newest) = self.parts.hub.newest().filter(|newest| what(newest)) {
                return newest;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no such snapshot");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn events_become_a_model_in_a_published_snapshot() {
    let site = Site::open();
    let trainer = site.train();
    site.wait_for(|newest| newest.content.experiments.len() == 1);
    for unit in 0..200 {
        site.visit(unit);
    }
    let newest = site.wait_for(|newest| !newest.content.experiments[0].model.segments.is_empty());
    let means = &newest.content.experiments[0].model.segments[0].means_micros;
    // Seconds old, so still divided by a guess at the share of rewards that has come in.
    assert!(
        means.iter().all(|mean| (200_000..700_000).contains(mean)),
        "{means:?}"
    );
    assert!(trainer.warnings().is_empty());
}

#[test]
fn a_restart_goes_on_from_the_checkpoint_and_a_rebuild_finds_the_same() {
    let site = Site::open();
    let trainer = site.train();
    for unit in 0..60 {
        site.visit(unit);
    }
    trainer.catch_up(&*site.log).unwrap();
    trainer.stop();
    drop(trainer);

    let site = site.reopen();
    let checkpoints = Checkpoints::open(&site.options().folder).unwrap();
    let (found, wrong) = checkpoints.newest().unwrap();
    assert!(wrong.is_empty());
    assert!(found.unwrap().offset > 0);
    let trainer = site.train();
    for unit in 60..90 {
        site.visit(unit);
    }
    let resumed = site.sums(&trainer);
    let offset = trainer.read(|state| state.offset);
    let clock = trainer.read(|state| state.fold.clock());

    let mut rebuilt = super::State::whole(Params::default(), 0);
    for (id, revision) in site.parts.revisions.all() {
        rebuilt.fold.add_revision(id, (*revision).clone());
    }
    let until = replay::Until {
        offsets: vec![offset],
        tick: u64::MAX,
    };
    replay::fold_on(&mut rebuilt, &site.log.sources(), &until).unwrap();
    // The trainer may have read on between the two looks at it; by the same clock the sums are the same.
    assert!(rebuilt.fold.clock().ms() <= clock.ms());
    assert_eq!(rebuilt.fold.sums_bytes(site.revision()), resumed);
    assert_eq!(rebuilt.fold.counts().get(&Verdict::Folded), Some(&120));
}

#[test]
fn the_log_lets_go_only_of_what_both_checkpoints_hold() {
    let site = Site::open();
    let options = Options {
        retention: Some(Retention {
            keep_ms: 0,
            max_bytes: u64::MAX,
        }),
        checkpoint_every: Duration::from_millis(1),
        ..site.options()
    };
    let plan = Plan::of(&site.experiments, &[], true);
    let trainer = Trainer::start(site.parts.clone(), options.clone(), plan).unwrap();
    let began = Instant::now();
    let mut unit = 0;
    while site.log.first() == 0 {
        site.visit(unit);
        unit += 1;
        assert!(began.elapsed() < Duration::from_secs(20), "nothing was trimmed");
    }
    trainer.stop();
    let all = Checkpoints::open(&options.folder).unwrap().all().unwrap();
    let older = checkpoint::read(&all[0].path).unwrap();
    assert!(all.len() == 2 && site.log.first() <= older.offset);
    let sums = trainer.read(|state| state.fold.clone().sums_bytes(site.revision()));
    let offset = trainer.read(|state| state.offset);
    let mut state = older;
    let until = replay::Until {
        offsets: vec![offset],
        tick: u64::MAX,
    };
    replay::fold_on(&mut state, &site.log.sources(), &until).unwrap();
    assert_eq!(state.fold.sums_bytes(site.revision()), sums);
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_older_one_is_used() {
    let site = Site::open();
    let trainer = site.train();
    site.visit(1);
    trainer.forget(&*site.log).unwrap();
    site.visit(2);
    let sums = site.sums(&trainer);
    trainer.stop();
    drop(trainer);

    let folder = site.options().folder;
    let all = Checkpoints::open(&folder).unwrap().all().unwrap();
    assert_eq!(all.len(), 2);
    let newest = &all.last().unwrap().path;
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    assert!(matches!(
        checkpoint::read(newest),
        Err(CheckpointError::Damaged { .. })
    ));

    let trainer = site.train();
    let name = newest.file_name().unwrap().to_str().unwrap();
    assert!(trainer.warnings().iter().any(|warning| warning.contains(name)));
    assert_eq!(site.sums(&trainer), sums);
}

#[test]
fn without_a_checkpoint_a_log_that_was_trimmed_is_not_counted_as_if_it_were_whole() {
    let site = Site::open();
    site.visit(1);
    for _ in 0..3 {
        site.visit(2);
    }
    site.log.trim_below(2);
    site.visit(3);
    let began = Instant::now();
    while site.log.first() == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "the log was not trimmed"
        );
        thread::sleep(Duration::from_millis(5));
    }
    let plan = Plan::of(&site.experiments, &[], true);
    let refused = Trainer::start(site.parts.clone(), site.options(), plan).map(drop);
    assert!(matches!(
        refused,
        Err(TrainerError::Checkpoint(CheckpointError::None { .. }))
    ));
}

#[test]
fn what_is_erased_leaves_sums_checkpoints_and_log() {
    let site = Site::open();
    let trainer = site.train();
    for unit in [1, 2, 3] {
        site.visit(unit);
    }
    let before = site.sums(&trainer);
    site.visit(0x4142);
    trainer.forget(&*site.log).unwrap();
    let mut unit = [0; 16];
    unit[..2].copy_from_slice(&0x4142_u16.to_be_bytes());
    let received_ms = site.log.clock().now_ms();
    let mut erasure = LoggedEvent {
        id: [9; 16],
        unit: Pseudonym(unit),
        received_ms,
        at_ms: received_ms,
        tier: Tier::Server,
        quarantine: Quarantine::None,
        fact: Fact::Erasure,
    };
    site.append(std::slice::from_ref(&erasure));
    assert!(erase::erase_unit(&site.log, Pseudonym(unit), received_ms).unwrap() > 0);
    trainer.forget(&*site.log).unwrap();

    assert_eq!(site.sums(&trainer), before, "as if the unit had never been seen");
    // The mark of the erasure stays, and it alone: no exposure of the unit is in any checkpoint.
    erasure.fact = Fact::Exposure(site.exposure(0));
    for kept in Checkpoints::open(&site.options().folder).unwrap().all().unwrap() {
        let state = checkpoint::read(&kept.path).unwrap();
        let found = state.fold.unit(&Pseudonym(unit)).unwrap();
        assert!(found.episodes.is_empty() && found.outcomes.is_empty());
    }
}

#[test]
fn a_frozen_model_stays_and_a_paused_experiment_says_so() {
    let site = Site::open();
    let trainer = site.train();
    for unit in 0..200 {
        site.visit(unit);
    }
    let learned = site.wait_for(|newest| !newest.content.experiments[0].model.segments.is_empty());
    let action = |verb| Action {
        at_ms: 1,
        author: "test".into(),
        action: verb,
        experiment: "button".into(),
        variant: None,
        version: None,
        lifts: None,
        reason: None,
    };
    let actions = [action(Verb::Freeze), action(Verb::Pause)];
    trainer.set_plan(Plan::of(&site.experiments, &actions, true));
    let paused =
        site.wait_for(|newest| newest.content.experiments[0].phase != learned.content.experiments[0].phase);
    let model = paused.content.experiments[0].model.clone();
    for unit in 200..400 {
        site.visit(unit);
    }
    trainer.catch_up(&*site.log).unwrap();
    // Something else changes, so there is another snapshot; the model in it is the old one.
    trainer.set_plan(Plan::of(&site.experiments, &actions, false));
    let later = site.wait_for(|newest| !newest.content.gpc_limits);
    assert_eq!(later.content.experiments[0].model, model);
}

/// The same experiment, by a number that is left to the fitter, and with more variants for an edit.
fn by_number(more_variants: &str) -> Experiments {
    let text = FILE
        .replace(
            "kind = \"fixed\", weights = { green = 0.5, red = 0.5 }",
            "kind = \"contextual\", attributes = [{ name = \"cart\", numeric = true }]",
        )
        .replace("value = \"r\" }", &format!("value = \"r\" }}{more_variants}"));
    Experiments::check("experiments.toml", &text, "shop").unwrap()
}

fn cuts_of(newest: &hub::Published) -> Option<Vec<f64>> {
    match &newest.content.experiments[0].revision.attributes[0].kind {
        AttributeKind::Bins { cuts } => Some(cuts.clone()),
        _ => None,
    }
}

#[test]
fn numbers_are_cut_once_and_neither_a_restart_nor_an_edit_undoes_it() {
    let mut site = Site::open();
    site.experiments = by_number("");
    let trainer = site.train();
    let newest = site.wait_for(|newest| newest.content.experiments.len() == 1);
    assert_eq!(cuts_of(&newest), None);
    for unit in 0..250 {
        let number = f64::from(unit % 50) + 0.5;
        site.visit_with(unit, vec![fine_slot(0, number)]);
    }
    let newest = site.wait_for(|newest| cuts_of(newest).is_some());
    let cuts = cuts_of(&newest);
    assert_eq!(cuts.as_ref().map(Vec::len), Some(15));
    let served = newest.content.experiments[0].revision_id;
    assert_ne!(served, site.revision());
    // What was counted before teaches the new ranges.
    site.wait_for(|newest| cuts_of(newest).is_some() && newest.content.experiments[0].model.slots.len() > 10);
    trainer.stop();
    drop(trainer);

    let mut site = site.reopen();
    site.experiments = by_number("");
    let trainer = site.train();
    assert!(trainer.wait_published(Duration::from_secs(20)));
    let newest = site.parts.hub.newest().unwrap();
    assert_eq!(
        (cuts_of(&newest), newest.content.experiments[0].revision_id),
        (cuts.clone(), served)
    );

    site.experiments = by_number(", { key = \"blue\", value = \"b\" }");
    trainer.set_plan(Plan::of(&site.experiments, &[], true));
    assert!(trainer.wait_published(Duration::from_secs(20)));
    let newest = site.wait_for(|newest| newest.content.experiments[0].revision.arms() == 3);
    assert_eq!(cuts_of(&newest), cuts);
}
