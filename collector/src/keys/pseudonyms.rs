//! What stands for a visitor or an account in everything that is stored.
//!
//! A visitor id carries the week it was minted in, and each week has a random key of its own. Destroying that key makes
//! everything that is stored about the week's visitors anonymous at once: nobody can match it with an id any more, and
//! the id is refused from then on. A key is made when the first visitor of its week arrives, and destroyed when the
//! lifetime is over or `tiltwise keys forget --week N` says so; a `.forgotten` file keeps it from being made again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tiltwise_core::id::{Pseudonym, Visitor, WEEK_MS};

use super::ids::{BatchId, Masks};
use super::mac::Mac;
use super::secret::Secret;
use super::{KeysError, make_folder};
use crate::durable;

const FOLDER: &str = "weeks";
const KEY: &str = "key";
const FORGOTTEN: &str = "forgotten";

/// Purposes keep one key's uses apart: equal bytes under different purposes have unrelated results.
const VISITOR: &str = "tiltwise-visitor-1";
const ACCOUNT: &str = "tiltwise-account-1";
const EVENT: &str = "tiltwise-event-1";

/// Why an id has no pseudonym. None of these says which id.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymError {
    #[error(
        "the visitor id was minted in week {week}, which has not come yet. Check the clock that mints ids"
    )]
    FromTheFuture { week: u16 },
    #[error(
        "the visitor id was minted in week {week}, longer ago than privacy.visitor_lifetime. Mint a new id"
    )]
    TooOld { week: u16 },
    #[error("the key of week {week} was destroyed, and with it every tie to its visitors. Mint a new id")]
    Forgotten { week: u16 },
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// Makes pseudonyms, event ids and masks.
#[derive(Debug)]
pub struct Pseudonyms {
    folder: PathBuf,
    visitor_lifetime_ms: u64,
    weeks: RwLock<BTreeMap<u16, Week>>,
    account: Mac,
    ids: Mac,
}

#[derive(Debug)]
enum Week {
    Known(Mac),
    Forgotten,
}

impl Pseudonyms {
    pub fn open(folder: &Path, visitor_lifetime_ms: u64) -> Result<Self, KeysError> {
        let weeks_folder = folder.join(FOLDER);
        make_folder(&weeks_folder)?;
        Ok(Self {
            weeks: RwLock::new(read_weeks(&weeks_folder)?),
            folder: weeks_folder,
            visitor_lifetime_ms,
            account: Mac::new(&Secret::read(&folder.join("account.key"))?),
            ids: Mac::new(&Secret::read(&folder.join("ids.key"))?),
        })
    }

    /// The visitor's pseudonym, at `now_ms`.
    pub fn visitor(&self, visitor: &Visitor, now_ms: u64) -> Result<Pseudonym, PseudonymError> {
        let week = visitor.week();
        // One week of grace: a device's clock may run ahead.
        if u64::from(week) > now_ms / WEEK_MS + 1 {
            return Err(PseudonymError::FromTheFuture { week });
        }
        if expired(week, self.visitor_lifetime_ms, now_ms) {
            return Err(PseudonymError::TooOld { week });
        }
        if let Some(answer) = self.read().get(&week).map(|key| key.pseudonym(week, visitor)) {
            return answer;
        }
        self.add(week)?;
        let weeks = self.read();
        weeks
            .get(&week)
            .map_or(Err(PseudonymError::Forgotten { week }), |key| {
                key.pseudonym(week, visitor)
            })
    }

    /// The account's pseudonym.
    pub fn account(&self, account: &str) -> Pseudonym {
        Pseudonym(self.account.of(ACCOUNT, &[account.as_bytes()]))
    }

    /// An event's id in the log, from what names it at its sender: the log never holds an order number.
    pub fn event_id(&self, parts: &[&[u8]]) -> [u8; 16] {
        self.ids.of(EVENT, parts)
    }

    /// What a session's batch and its events are called in the log.
    pub fn batch_id(&self, session: &[u8], sequence: u32) -> BatchId {
        BatchId::new(&self.ids, session, sequence)
    }

    /// What masks draws in the log.
    pub fn masks(&self) -> Masks<'_> {
        Masks::new(&self.ids)
    }

    /// Destroys a week's key; true if there was one.
    pub fn forget(&self, week: u16) -> Result<bool, KeysError> {
        let mut weeks = self.write();
        let existed = matches!(weeks.get(&week), Some(Week::Known(_)));
        self.destroy(week)?;
        weeks.insert(week, Week::Forgotten);
        Ok(existed)
    }

    /// Takes up weeks that another process has forgotten, and forgets those whose lifetime is over.
    pub fn refresh(&self, now_ms: u64) -> Result<(), KeysError> {
        let known: Vec<u16> = self.known().collect();
        for week in known {
            if expired(week, self.visitor_lifetime_ms, now_ms) || self.path(week, FORGOTTEN).exists() {
                self.forget(week)?;
            }
        }
        Ok(())
    }

    /// The weeks that have a key, ascending.
    pub fn known(&self) -> impl Iterator<Item = u16> + use<> {
        let weeks: Vec<u16> = self
            .read()
            .iter()
            .filter(|(_, key)| matches!(key, Week::Known(_)))
            .map(|(week, _)| *week)
            .collect();
        weeks.into_iter()
    }

    fn add(&self, week: u16) -> Result<(), KeysError> {
        let mut weeks = self.write();
        if weeks.contains_key(&week) {
            return Ok(());
        }
        let key = if self.path(week, FORGOTTEN).exists() {
            Week::Forgotten
        } else {
            Week::Known(Mac::new(&Secret::read_or_make(&self.path(week, KEY))?))
        };
        weeks.insert(week, key);
        Ok(())
    }

    /// The mark first: a crash in between leaves a key that the next start removes, never a week that comes back.
    fn destroy(&self, week: u16) -> Result<(), KeysError> {
        let (mark, key) = (self.path(week, FORGOTTEN), self.path(week, KEY));
        durable::replace(&mark, b"", durable::PRIVATE)
            .map_err(|source| KeysError::Io { path: mark, source })?;
        match std::fs::remove_file(&key).and_then(|()| durable::sync_folder(&key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeysError::Io {
                path: key,
                source: error,
            }),
            _ => Ok(()),
        }
    }

    fn path(&self, week: u16, kind: &str) -> PathBuf {
        self.folder.join(format!("{week}.{kind}"))
    }

    // A panic elsewhere leaves the map whole (every change is one insert), so a poisoned lock is still good.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<u16, Week>> {
        self.weeks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<u16, Week>> {
        self.weeks.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Week {
    fn pseudonym(&self, week: u16, visitor: &Visitor) -> Result<Pseudonym, PseudonymError> {
        match self {
            Self::Known(mac) => Ok(Pseudonym(mac.of(VISITOR, &[&visitor.0]))),
            Self::Forgotten => Err(PseudonymError::Forgotten { week }),
        }
    }
}

/// Makes the keys that do not belong to a week.
pub(super) fn init(folder: &Path) -> Result<(), KeysError> {
    Secret::read_or_make(&folder.join("account.key"))?;
    Secret::read_or_make(&folder.join("ids.key"))?;
    Ok(())
}

/// Whether the lifetime of the week's last visitor is over.
fn expired(week: u16, lifetime_ms: u64, now_ms: u64) -> bool {
    (u64::from(week) + 1)
        .saturating_mul(WEEK_MS)
        .saturating_add(lifetime_ms)
        < now_ms
}

fn read_weeks(folder: &Path) -> Result<BTreeMap<u16, Week>, KeysError> {
    let io = |source| KeysError::Io {
        path: folder.to_owned(),
        source,
    };
    let (mut keys, mut forgotten) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let week = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .and_then(|stem| stem.parse::<u16>().ok());
        match (week, path.extension().and_then(|extension| extension.to_str())) {
            (Some(week), Some(KEY)) => keys.push((week, path)),
            (Some(week), Some(FORGOTTEN)) => forgotten.push(week),
            _ => {}
        }
    }
    let mut weeks = BTreeMap::new();
    for (week, path) in keys {
        if forgotten.contains(&week) {
            // A crash came between the mark and the removal.
            std::fs::remove_file(&path).map_err(io)?;
        } else {
            weeks.insert(week, Week::Known(Mac::new(&Secret::read(&path)?)));
        }
    }
    weeks.extend(forgotten.into_iter().map(|week| (week, Week::Forgotten)));
    Ok(weeks)
}
