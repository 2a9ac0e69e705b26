//! Checkpoints: the whole state and its offset in the log, in one file that is whole or absent.
//!
//! ```text
//! of a log in one piece:  "TWCP"  1 (u32)  offset (u64)  length (u64)  state  SHA-256 of all before
//! of a topic:             "TWCP"  2 (u32)  length (u64)  topic  partitions (u64)
//!                         for each: offset (u64)  length (u64)  state; then the SHA-256 of all before
//! ```
//! Numbers are little endian; the state is `Fold`'s own canonical bytes. What breaks it: any changed byte, which the
//! checksum finds. A file is written beside, synced, renamed, its folder synced, and then read back before it counts as
//! kept. Two are kept: when the newest cannot be read, the older one and a little more of the log give the same state.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};
use tiltwise_core::join::{Fold, Params};

use super::{Partition, State};
use crate::durable;

const MAGIC: &[u8; 4] = b"TWCP";
/// Of a log in one piece.
const FORMAT: u32 = 1;
/// Of a topic.
const FORMAT_OF_TOPIC: u32 = 2;
/// Magic and format.
const HEAD: usize = 4 + 4;
const SUM: usize = 32;
const EXTENSION: &str = "checkpoint";
const KEPT: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("{path}: {source}. The trainer cannot keep its state; free the disk or mend the folder's rights")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: this checkpoint is damaged ({what}); an older one is used, and it can be removed")]
    Damaged { path: PathBuf, what: String },
    #[error(
        "{path}: this checkpoint was written by a newer release (format {format}). Upgrade this collector first"
    )]
    Newer { path: PathBuf, format: u32 },
    #[error(
        "no checkpoint in {folder} can be read, and the log begins only at record {first}: what was counted before is \
         known to no one here. Put a checkpoint back from a backup or from another collector of the site, or run \
         `tiltwise rebuild --write --accept-loss` to count from there on"
    )]
    None { folder: PathBuf, first: u64 },
    #[error(
        "the checkpoints in {folder} count {counted}, and this collector reads {log}: sums of one log cannot go on with another. \
         Point it to its own log, or give it a new data folder"
    )]
    OtherLog {
        folder: PathBuf,
        counted: String,
        log: String,
    },
    #[error(
        "the newest readable checkpoint in {folder} stands at record {offset}, and the log has only {first} to {end}: they \
         do not belong together. Put both back from one backup, or run `tiltwise rebuild --write --accept-loss`"
    )]
    Apart {
        folder: PathBuf,
        offset: u64,
        first: u64,
        end: u64,
    },
}

/// The folder of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

/// One file, as its name says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// Counts checkpoints; the largest is the newest.
    pub number: u64,
    pub path: PathBuf,
}

impl Checkpoints {
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        fs::create_dir_all(folder).map_err(|source| CheckpointError::Io {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All files, oldest first.
    pub fn all(&self) -> Result<Vec<Kept>, CheckpointError> {
        let io = |source| CheckpointError::Io {
            path: self.folder.clone(),
            source,
        };
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let number = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .and_then(|stem| stem.parse().ok());
            if let (Some(number), true) = (number, path.extension().is_some_and(|e| e == EXTENSION)) {
                all.push(Kept { number, path });
            }
        }
        all.sort();
        Ok(all)
    }

    /// Writes the state, reads it back, and lets go of all but the newest two. Returns where the older of those stands:
    /// what the log may forget.
    pub fn write(&self, state: &mut State) -> Result<u64, CheckpointError> {
        let bytes = encode(state);
        let number = self.all()?.last().map_or(1, |last| last.number + 1);
        // Ten digits, so that a listing is in order.
        let path = self.folder.join(format!("{number:010}.{EXTENSION}"));
        let io = |source| CheckpointError::Io {
            path: path.clone(),
            source,
        };
        durable::replace(&path, &bytes, durable::PRIVATE).map_err(io)?;
        if fs::read(&path).map_err(io)? != bytes {
            let what = "it does not read back as it was written; the disk is failing".to_owned();
            return Err(CheckpointError::Damaged { path, what });
        }
        let all = self.all()?;
        for old in all.iter().rev().skip(KEPT) {
            fs::remove_file(&old.path).map_err(io)?;
        }
        durable::sync_folder(&path).map_err(io)?;
        let older = all.iter().rev().nth(KEPT - 1);
        Ok(older.and_then(|kept| offset_of(&kept.path)).unwrap_or(0))
    }

    /// Replaces all checkpoints by ones of the present state: what was erased is in none of them.
    pub fn rewrite(&self, state: &mut State) -> Result<u64, CheckpointError> {
        let mut oldest = 0;
        for _ in 0..KEPT {
            oldest = self.write(state)?;
        }
        Ok(oldest)
    }

    /// The newest that can be read, and what is wrong with the newer ones.
    pub fn newest(&self) -> Result<(Option<State>, Vec<CheckpointError>), CheckpointError> {
        let mut wrong = Vec::new();
        for kept in self.all()?.iter().rev() {
            match read(&kept.path) {
                Ok(state) => return Ok((Some(state), wrong)),
                Err(error @ CheckpointError::Newer { .. }) => return Err(error),
                Err(error) => wrong.push(error),
            }
        }
        Ok((None, wrong))
    }
}

/// Reads one checkpoint.
pub fn read(path: &Path) -> Result<State, CheckpointError> {
    let damaged = |what: &str| CheckpointError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let bytes = fs::read(path).map_err(|source| CheckpointError::Io {
        path: path.to_owned(),
        source,
    })?;
    let Some((body, sum)) = bytes.split_last_chunk::<SUM>() else {
        return Err(damaged("it is too short"));
    };
    let Some((head, state)) = body.split_first_chunk::<HEAD>() else {
        return Err(damaged("it is too short"));
    };
    if !head.starts_with(MAGIC) {
        return Err(damaged("it is no checkpoint"));
    }
    if Sha256::digest(body).as_slice() != sum {
        return Err(damaged("its checksum is wrong"));
    }
    let mut rest = state;
    let decoded = match u32::from_le_bytes(field(head, 4)) {
        FORMAT => one(&mut rest).map(|(fold, offset)| State {
            fold,
            ..State::whole(Params::default(), offset)
        }),
        FORMAT_OF_TOPIC => of_topic(&mut rest),
        format => {
            return Err(CheckpointError::Newer {
                path: path.to_owned(),
                format,
            });
        }
    };
    match decoded {
        Ok(state) if rest.is_empty() => Ok(state),
        Ok(_) => Err(damaged("its length is wrong")),
        Err(what) => Err(damaged(&what)),
    }
}

fn of_topic(rest: &mut &[u8]) -> Result<State, String> {
    let topic = String::from_utf8(block(rest)?.to_vec()).map_err(|_| "its topic is no text")?;
    let mut partitions = Vec::new();
    for _ in 0..number(rest)? {
        let (fold, offset) = one(rest)?;
        partitions.push(Partition { fold, offset });
    }
    let first = partitions.first().ok_or("it has no partition")?;
    let mut state = State::partitioned(*first.fold.params(), topic, []);
    for (id, revision) in first.fold.revisions() {
        state.fold.add_revision(*id, revision.clone());
    }
    state.partitions = partitions;
    state.gather();
    Ok(state)
}

/// An offset and the fold that has come so far.
fn one(rest: &mut &[u8]) -> Result<(Fold, u64), String> {
    let offset = number(rest)?;
    let fold = Fold::decode(block(rest)?).map_err(|error| error.to_string())?;
    Ok((fold, offset))
}

fn number(rest: &mut &[u8]) -> Result<u64, String> {
    let (number, after) = rest.split_first_chunk::<8>().ok_or("it is too short")?;
    *rest = after;
    Ok(u64::from_le_bytes(*number))
}

fn block<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = usize::try_from(number(rest)?).map_err(|_| "its length is wrong")?;
    let (block, after) = rest.split_at_checked(length).ok_or("its length is wrong")?;
    *rest = after;
    Ok(block)
}

fn encode(state: &mut State) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let put = |offset: u64, fold: &[u8], bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&(fold.len() as u64).to_le_bytes());
        bytes.extend_from_slice(fold);
    };
    if state.partitions.is_empty() {
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        put(state.offset, &state.fold.encode(), &mut bytes);
    } else {
        bytes.extend_from_slice(&FORMAT_OF_TOPIC.to_le_bytes());
        bytes.extend_from_slice(&(state.topic.len() as u64).to_le_bytes());
        bytes.extend_from_slice(state.topic.as_bytes());
        bytes.extend_from_slice(&(state.partitions.len() as u64).to_le_bytes());
        for partition in &mut state.partitions {
            put(partition.offset, &partition.fold.encode(), &mut bytes);
        }
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// The offset in the head of a file that was verified when it was written, where it is of a log in one piece.
fn offset_of(path: &Path) -> Option<u64> {
    use io::Read;
    let mut head = [0; HEAD + 8];
    fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
    let format = u32::from_le_bytes(field(&head, 4));
    (format == FORMAT).then(|| u64::from_le_bytes(field(&head, HEAD)))
}

fn field<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    for (into, byte) in field.iter_mut().zip(head.iter().skip(at)) {
        *into = *byte;
    }
    field
}
