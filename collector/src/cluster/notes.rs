//! What the two topics say, record by record. Both have one partition and are compacted: of records with one key the last
//! stays, and a record without a value ends its key.
//!
//! | topic | key | value |
//! |---|---|---|
//! | `models` | `lease` | JSON: who leads ([`Lease`]) |
//! | `models` | `content/HASH/N` | the N-th piece of a snapshot's content, whose SHA-256 is HASH |
//! | `models` | `version/VERSION` | the `SealedSnapshot` of that version, without its content, after the pieces of that |
//! | `experiments` | `file` | JSON: the experiments that hold ([`Filed`]) |
//! | `experiments` | `file/HASH` | JSON: that a text with this SHA-256 has held ([`Held`]) |
//! | `experiments` | `action/TIME-RANDOM` | JSON: what was done to an experiment ([`Acted`]) |
//! | `experiments` | `revision/ID` | an encoded revision that was published |
//! | `experiments` | `cut/ID` | the same, where the fitter has chosen its cuts |
//! | `experiments` | `history/NAME/N` | the N-th piece of an import |
//! | `experiments` | `history/NAME` | JSON: that it counts, or no longer ([`Imported`]), after its pieces |
//!
//! Hashes are hexadecimal, versions and ids 16 hexadecimal digits. A key of another kind is one of a newer release.

use serde::{Deserialize, Serialize};
use tiltwise_core::{id::RevisionId, revision::Revision, snapshot::SealedSnapshot};

use crate::{experiments::Action, history::is_name, log::kafka::client::Note};

/// A piece of a snapshot's content: half of what a record may have, since not everything can be compressed.
pub(super) const PIECE: usize = 500_000;

pub(super) const LEASE: &str = "lease";
pub(super) const FILE: &str = "file";

/// Who leads, and says so at least every half second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lease {
    /// Grows with every leader.
    pub(super) epoch: u64,
    /// The name of the collector.
    pub(super) leader: String,
    /// What was said in `experiments` before this offset is in the newest version.
    pub(super) heard: u64,
    /// It leads no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) over: bool,
}

/// The experiments of the site, as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filed {
    pub(super) at_ms: u64,
    /// The collector whose file it was.
    pub(super) by: String,
    pub(super) text: String,
}

/// That a text has held once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    pub(super) at_ms: u64,
    pub(super) by: String,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Acted {
    /// How many actions had been taken when it was decided on. Where one of the same experiment came since, it does not count.
    pub(super) known: usize,
    pub(super) action: Action,
}

/// Whether an import counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Imported {
    pub(super) by: String,
    /// It was forgotten where there are none.
    pub(super) pieces: usize,
}

/// What a key of `models` is of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ModelsKey {
    Lease,
    Piece([u8; 32], usize),
    Version(u64),
}

/// What a key of `experiments` is of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExperimentsKey {
    File,
    Held(String),
    Action,
    Revision(RevisionId),
    Cut(RevisionId),
    Imported(String),
    ImportPiece(String, usize),
}

impl ModelsKey {
    pub(super) fn read(key: &str) -> Option<Self> {
        if key == LEASE {
            return Some(Self::Lease);
        }
        if let Some(version) = key.strip_prefix("version/") {
            return u64::from_str_radix(version, 16).ok().map(Self::Version);
        }
        let (hash, place) = key.strip_prefix("content/")?.split_once('/')?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).ok()?;
        Some(Self::Piece(bytes, place.parse().ok()?))
    }
}

impl ExperimentsKey {
    pub(super) fn read(key: &str) -> Option<Self> {
        let id = |id: &str| u64::from_str_radix(id, 16).ok().map(RevisionId);
        match key.split_once('/') {
            None if key == FILE => Some(Self::File),
            Some((FILE, hash)) => Some(Self::Held(hash.to_owned())),
            Some(("action", _)) => Some(Self::Action),
            Some(("revision", of)) => id(of).map(Self::Revision),
            Some(("cut", of)) => id(of).map(Self::Cut),
            Some(("history", of)) => match of.split_once('/') {
                None => is_name(of).then(|| Self::Imported(of.to_owned())),
                Some((name, place)) if is_name(name) => {
                    let place = place.parse().ok()?;
                    Some(Self::ImportPiece(name.to_owned(), place))
                }
                Some(_) => None,
            },
            _ => None,
        }
    }
}

fn json(topic: &str, key: String, value: &impl Serialize) -> Note {
    Note {
        topic: topic.to_owned(),
        key,
        // Numbers and texts always have a JSON.
        value: Some(serde_json::to_vec(value).unwrap_or_default()),
    }
}

pub(super) fn lease(topic: &str, lease: &Lease) -> Note {
    json(topic, LEASE.to_owned(), lease)
}

/// The records of a snapshot, its content first.
pub(super) fn snapshot(topic: &str, envelope: &SealedSnapshot, content: Option<&[u8]>) -> Vec<Note> {
    let pieces = content.map(|content| content.chunks(PIECE)).into_iter().flatten();
    let mut notes: Vec<Note> = (0..)
        .zip(pieces)
        .map(|(place, piece)| Note {
            topic: topic.to_owned(),
            key: piece_key(&envelope.hash, place),
            value: Some(piece.to_vec()),
        })
        .collect();
    notes.push(Note {
        topic: topic.to_owned(),
        key: version_key(envelope.version),
        value: Some(envelope.encode()),
    });
    notes
}

/// Ends a content of so many bytes.
pub(super) fn without_content<'a>(
    topic: &'a str,
    hash: &'a [u8; 32],
    bytes: usize,
) -> impl Iterator<Item = Note> + 'a {
    (0..bytes.div_ceil(PIECE).max(1)).map(move |place| Note {
        topic: topic.to_owned(),
        key: piece_key(hash, place),
        value: None,
    })
}

/// Ends a version.
pub(super) fn without_version(topic: &str, version: u64) -> Note {
    Note {
        topic: topic.to_owned(),
        key: version_key(version),
        value: None,
    }
}

/// That a text holds from now on.
pub(super) fn file(topic: &str, filed: &Filed) -> [Note; 2] {
    let held = Held {
        at_ms: filed.at_ms,
        by: filed.by.clone(),
    };
    [
        json(topic, format!("{FILE}/{}", hash_of(&filed.text)), &held),
        json(topic, FILE.to_owned(), filed),
    ]
}

pub(super) fn action(topic: &str, acted: &Acted, random: [u8; 8]) -> Note {
    let key = format!("action/{:016x}-{}", acted.action.at_ms, hex::encode(random));
    json(topic, key, acted)
}

pub(super) fn revision(topic: &str, id: RevisionId, revision: &Revision, is_cut: bool) -> Note {
    let kind = if is_cut { "cut" } else { "revision" };
    Note {
        topic: topic.to_owned(),
        key: format!("{kind}/{:016x}", id.0),
        value: Some(revision.encode()),
    }
}

/// That an import counts from now on.
pub(super) fn import(topic: &str, name: &str, bytes: &[u8], by: &str) -> Vec<Note> {
    let pieces = (0..).zip(bytes.chunks(PIECE));
    let mut notes: Vec<Note> = pieces
        .map(|(place, piece)| Note {
            topic: topic.to_owned(),
            key: format!("history/{name}/{place}"),
            value: Some(piece.to_vec()),
        })
        .collect();
    let imported = Imported {
        by: by.to_owned(),
        pieces: notes.len(),
    };
    notes.push(json(topic, format!("history/{name}"), &imported));
    notes
}

/// That an import of so many pieces counts no longer. This stays, so that one who was away does not bring it back.
pub(super) fn forget_import(topic: &str, name: &str, pieces: usize, by: &str) -> Vec<Note> {
    let imported = Imported {
        by: by.to_owned(),
        pieces: 0,
    };
    let mut notes = vec![json(topic, format!("history/{name}"), &imported)];
    notes.extend((0..pieces).map(|place| Note {
        topic: topic.to_owned(),
        key: format!("history/{name}/{place}"),
        value: None,
    }));
    notes
}

pub(super) fn hash_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(text))
}

fn piece_key(hash: &[u8; 32], place: usize) -> String {
    format!("content/{}/{place}", hex::encode(hash))
}

fn version_key(version: u64) -> String {
    format!("version/{version:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_what_it_was_written_for_and_others_are_of_a_newer_release() {
        let envelope = SealedSnapshot {
            site: "shop".into(),
            version: (7 << 32) + 3,
            published_ms: 1,
            expires_ms: 2,
            hash: [9; 32],
            key_id: [0; 8],
            signature: vec![0; 64],
            folded_through_ms: 1,
            content: Vec::new(),
        };
        let content = vec![5; PIECE + 1];
        let keys: Vec<_> = snapshot("m", &envelope, Some(&content))
            .iter()
            .map(|note| ModelsKey::read(&note.key).unwrap())
            .collect();
        assert_eq!(
            keys,
            [
                ModelsKey::Piece([9; 32], 0),
                ModelsKey::Piece([9; 32], 1),
                ModelsKey::Version((7 << 32) + 3)
            ]
        );
        let ended: Vec<_> = without_content("m", &[9; 32], content.len())
            .map(|note| note.key)
            .collect();
        assert_eq!(ended, [piece_key(&[9; 32], 0), piece_key(&[9; 32], 1)]);
        assert_eq!(ExperimentsKey::read("file"), Some(ExperimentsKey::File));
        assert_eq!(
            ExperimentsKey::read("cut/00000000000000ff"),
            Some(ExperimentsKey::Cut(RevisionId(255)))
        );
        assert_eq!(ExperimentsKey::read("audience/1"), None);
        assert_eq!(ModelsKey::read("weights"), None);
    }
}
