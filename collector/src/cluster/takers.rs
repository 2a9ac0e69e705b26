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
