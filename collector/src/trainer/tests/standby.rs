//! Of several trainers of one log each folds, and one publishes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tiltwise_core::revision::Revision;

use super::*;
use crate::experiments::revisions::Shared;
use crate::hub::{HubError, Press};

/// Whose turn it is, as a test says.
struct Turn {
    term: AtomicU64,
    hub: Arc<Hub>,
}

impl Press for Turn {
    fn term(&self) -> Option<u64> {
        Some(self.term.load(Ordering::Acquire)).filter(|term| *term > 0)
    }

    fn publish(&self, content: &[u8], through_ms: u64, _heard: u64) -> Result<(), HubError> {
        self.hub.publish(content, through_ms).map(|_| ())
    }

    fn serves(&self, _heard: u64) {}

    fn counted(&self, _through_ms: u64) {}
}

fn in_turn(site: &Site, term: u64) -> (Arc<Turn>, Parts) {
    let turn = Arc::new(Turn {
        term: AtomicU64::new(term),
        hub: site.parts.hub.clone(),
    });
    let parts = Parts {
        press: turn.clone(),
        ..site.parts.clone()
    };
    (turn, parts)
}

#[test]
fn a_trainer_whose_turn_it_is_not_counts_all_the_same_and_publishes_once_it_is() {
    let site = Site::open();
    site.parts
        .revisions
        .keep(&site.experiments.definitions[0].revision)
        .unwrap();
    let (turn, parts) = in_turn(&site, 0);
    let plan = Plan::of(&site.experiments, &[], true);
    let trainer = Trainer::start(parts, site.options(), plan).unwrap();
    for unit in 0..60 {
        site.visit(unit);
    }
    let counted = site.sums(&trainer);
    assert!(!counted.is_empty());
    assert!(site.parts.hub.newest().is_none());
    turn.term.store(1, Ordering::Release);
    let newest = site.wait_for(|newest| newest.content.experiments.len() == 1);
    assert!(newest.envelope.folded_through_ms > 0);
}

/// What others have published: learned when it is asked for.
struct Others {
    revisions: Arc<Revisions>,
    published: Revision,
    asked: AtomicU64,
    is_reachable: AtomicBool,
}

impl Shared for Others {
    fn keep(&self, _id: RevisionId, _revision: &Revision, _is_cut: bool) -> Result<(), String> {
        Ok(())
    }

    fn catch_up(&self) -> Result<(), String> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        if !self.is_reachable.load(Ordering::Acquire) {
            return Err("nobody answers".to_owned());
        }
        self.revisions.learn(&self.published).unwrap();
        Ok(())
    }
}

#[test]
fn what_others_have_published_is_learned_before_it_is_counted_and_waited_for_where_it_cannot_be_read() {
    let site = Site::open();
    let others = Arc::new(Others {
        revisions: site.parts.revisions.clone(),
        published: site.experiments.definitions[0].revision.clone(),
        asked: AtomicU64::new(0),
        is_reachable: AtomicBool::new(false),
    });
    site.parts.revisions.share(others.clone());
    let (_, parts) = in_turn(&site, 0);
    let trainer = Trainer::start(parts, site.options(), Plan::default()).unwrap();
    for unit in 0..60 {
        site.visit(unit);
    }
    let began = Instant::now();
    while trainer.warnings().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody asks");
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(
        trainer.read(|state| state.fold.counts().get(&Verdict::UnknownRevision).copied()),
        None,
        "nothing was given up as unknown"
    );
    others.is_reachable.store(true, Ordering::Release);
    assert!(!site.sums(&trainer).is_empty());
    let counts = trainer.read(|state| state.fold.counts().clone());
    assert_eq!(counts.get(&Verdict::Folded), Some(&80));
    assert_eq!(counts.get(&Verdict::UnknownRevision), None);
    assert!(trainer.warnings().is_empty());
}
