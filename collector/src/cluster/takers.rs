//! What is done with what is read: snapshots go to the hub, revisions to their folder, and everybody is told of the rest.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Instant,
};

use sha2::{Digest, Sha256};
use tiltwise_core::snapshot::SealedSnapshot;
use tokio::sync::watch;

use super::{
    board::{Board, News},
    lock,
    notes::{Lease, ModelsKey},
    reader::Taker,
    seat::Seat,
};
use crate::{
    experiments::Revisions,
    history::Histories,
    hub::{Hub, Place},
};

/// Takes `models`.
pub(super) struct Models {
    pub(super) site: String,
    pub(super) hub: Arc<Hub>,
    pub(super) seat: Arc<Mutex<Seat>>,
    pub(super) place: Place,
    /// Pieces of contents whose version has not come yet.
    pub(super) pieces: HashMap<[u8; 32], BTreeMap<usize, Vec<u8>>>,
    pub(super) ended: (Vec<u64>, HashSet<[u8; 32]>),
    /// The end was reached once: from then on what comes is shown as it comes.
    pub(super) is_live: bool,
}

impl Models {
    fn version(&mut self, offset: u64, value: &[u8]) -> Result<(), String> {
        let strange = |what: &dyn std::fmt::Display| {
            format!(
                "record {offset} of models cannot be read: {what}. Where it is newer, upgrade this collector"
            )
        };
        let envelope = SealedSnapshot::decode(value).map_err(|error| strange(&error))?;
        if envelope.site != self.site {
            return Err(format!(
                "models has snapshots of the site {:?}, and this is a collector of {:?}: give each site a kafka.topic_prefix of \
                 its own",
                envelope.site, self.site
            ));
        }
        let pieces = self.pieces.remove(&envelope.hash).unwrap_or_default();
        let content: Vec<u8> = pieces.into_values().flatten().collect();
        let is_whole = <[u8; 32]>::from(Sha256::digest(&content)) == envelope.hash;
        self.place = Place {
            next: offset + 1,
            newest: self.place.newest.max(envelope.version),
        };
        self.hub
            .take(&envelope, is_whole.then_some(&content), self.place)
            .map_err(said)?;
        lock(&self.seat).sees(envelope.version);
        if self.is_live {
            self.hub.show_version(envelope.version).map_err(said)?;
        }
        Ok(())
    }

    fn forget(&mut self) -> Result<(), String> {
        let (versions, contents) = std::mem::take(&mut self.ended);
        if versions.is_empty() && contents.is_empty() {
            return Ok(());
        }
        self.hub.forget(versions, contents).map_err(said)
    }
}

impl Taker for Models {
    fn take(&mut self, offset: u64, key: &str, value: Option<Vec<u8>>) -> Result<(), String> {
        let strange = || {
            format!(
                "record {offset} of models has the key {key:?}, of no known kind: upgrade this collector first"
            )
        };
        match (ModelsKey::read(key).ok_or_else(strange)?, value) {
            (ModelsKey::Lease, Some(value)) => {
                let lease: Lease = serde_json::from_slice(&value).map_err(|_| strange())?;
                // How far was read is kept with versions alone: the last lease comes after the last version, and is read again.
                lock(&self.seat).hears(lease, Instant::now());
                Ok(())
            }
            (ModelsKey::Lease, None) => Ok(()),
            (ModelsKey::Piece(hash, place), Some(piece)) => {
                self.ended.1.remove(&hash);
                self.pieces.entry(hash).or_default().insert(place, piece);
                Ok(())
            }
            (ModelsKey::Piece(hash, _), None) => {
                self.pieces.remove(&hash);
                self.ended.1.insert(hash);
                Ok(())
            }
            (ModelsKey::Version(_), Some(value)) => self.version(offset, &value),
            (ModelsKey::Version(version), None) => {
                self.ended.0.push(version);
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.is_live = true;
        self.forget()?;
        self.hub.show_version(self.place.newest).map_err(said)
    }
}

/// Takes `experiments`.
pub(super) struct Experiments {
    pub(super) board: Arc<Mutex<Board>>,
    pub(super) revisions: Arc<Revisions>,
    pub(super) histories: Histories,
    /// Grows with every change of what holds.
    pub(super) edition: watch::Sender<u64>,
}

impl Taker for Experiments {
    fn take(&mut self, offset: u64, key: &str, value: Option<Vec<u8>>) -> Result<(), String> {
        let news = lock(&self.board).take(offset, key, value.as_deref())?;
        match news {
            News::Nothing => {}
            News::Experiments => self.edition.send_modify(|edition| *edition += 1),
            News::Revision(revision) => drop(self.revisions.learn(&revision).map_err(said)?),
            News::Cut(revision) => drop(self.revisions.learn_cut(&revision).map_err(said)?),
            News::Import(name, bytes) => self.histories.put(&name, &bytes).map_err(said)?,
            News::ForgottenImport(name) => self.histories.remove(&name).map_err(said)?,
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn said(error: impl std::error::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tiltwise_core::snapshot::SnapshotContent;

    use super::super::notes::{self, PIECE};
    use super::*;
    use crate::{hub, keys::Keys, log::LogClock, log::kafka::client::Note, metrics::Metrics};

    fn models(folder: &TempDir) -> Models {
        let (keys, token) = (folder.path().join("keys"), folder.path().join("keys/admin.token"));
        if !keys.exists() {
            Keys::init(&keys, &token).unwrap();
        }
        let keys = Arc::new(Keys::open(&keys, &token, u64::MAX / 2).unwrap());
        let options = hub::Options {
            path: folder.path().join("snapshots"),
            site: "shop".to_owned(),
            named_for_ms: 1,
        };
        let clock = LogClock::from_wall(|| 1_700_000_000_000);
        let hub = Hub::open_shared(options, keys, clock, Arc::new(Metrics::new())).unwrap();
        Models {
            site: "shop".to_owned(),
            place: hub.place().unwrap(),
            hub: Arc::new(hub),
            seat: Arc::new(Mutex::new(Seat::new(Instant::now()))),
            pieces: HashMap::new(),
            ended: (Vec::new(), HashSet::new()),
            is_live: false,
        }
    }

    fn published(models: &Models, version: u64, gpc_limits: bool) -> (SealedSnapshot, Vec<Note>) {
        let content = SnapshotContent {
            experiments: Vec::new(),
            gpc_limits,
        };
        let content = content.encode();
        let envelope = models.hub.seal(&content, version, 1).unwrap();
        let notes = notes::snapshot("m", &envelope, Some(&content));
        (envelope, notes)
    }

    fn take(models: &mut Models, from: u64, notes: impl IntoIterator<Item = Note>) -> Result<(), String> {
        let mut notes = (from..).zip(notes);
        notes.try_for_each(|(offset, note)| models.take(offset, &note.key, note.value))
    }

    fn shown(models: &Models) -> Option<u64> {
        models.hub.newest().map(|newest| newest.envelope.version)
    }

    #[test]
    fn nothing_is_shown_before_the_end_was_reached_and_then_everything_newer_as_it_comes() {
        let folder = TempDir::new().unwrap();
        let mut models = models(&folder);
        for version in [1 << 32, (1 << 32) + 1] {
            let (_, notes) = published(&models, version, true);
            take(&mut models, version & 0xff, notes).unwrap();
        }
        assert_eq!(shown(&models), None);
        models.end().unwrap();
        assert_eq!(shown(&models), Some((1 << 32) + 1));
        let (_, notes) = published(&models, 2 << 32, false);
        take(&mut models, 10, notes).unwrap();
        assert_eq!(shown(&models), Some(2 << 32));
        assert_eq!(models.place.next, 12);
        assert_eq!(lock(&models.seat).epoch, 2);
    }

    #[test]
    fn what_was_ended_is_gone_and_what_came_again_after_its_end_is_there() {
        let folder = TempDir::new().unwrap();
        let mut models = models(&folder);
        let (first, of_first) = published(&models, 1, true);
        let (second, of_second) = published(&models, 2, false);
        take(&mut models, 0, of_first.clone()).unwrap();
        take(&mut models, 2, of_second).unwrap();
        let ends = notes::without_content("m", &first.hash, 1);
        take(&mut models, 4, ends.chain([notes::without_version("m", 1)])).unwrap();
        models.end().unwrap();
        assert!(models.hub.content_by_hash(&first.hash).is_none());
        assert!(models.hub.known(1).is_none());
        assert!(models.hub.content_by_hash(&second.hash).is_some());

        let ends: Vec<Note> = notes::without_content("m", &second.hash, PIECE + 1).collect();
        take(&mut models, 6, ends).unwrap();
        let (_, again) = published(&models, 3, false);
        take(&mut models, 8, again).unwrap();
        models.end().unwrap();
        assert!(models.hub.content_by_hash(&second.hash).is_some());
        assert_eq!(shown(&models), Some(3));
    }

    #[test]
    fn the_snapshots_of_another_site_and_records_of_a_newer_release_are_not_taken() {
        let folder = TempDir::new().unwrap();
        let mut models = models(&folder);
        let (_, notes) = published(&models, 1, true);
        models.site = "other".to_owned();
        let error = take(&mut models, 0, notes).unwrap_err();
        assert!(error.contains("a kafka.topic_prefix of its own"), "{error}");
        let error = models.take(5, "weights", Some(Vec::new())).unwrap_err();
        assert!(error.contains("upgrade this collector first"), "{error}");
    }
}
