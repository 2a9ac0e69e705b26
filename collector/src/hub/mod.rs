//! Holds the newest snapshot, tells everybody who listens, and remembers the older ones.
//!
//! * [`Hub::publish`] seals content under the next version, keeps it on disk, and only then shows it.
//! * [`Hub::watch`] is what the streams hang on: who is slow misses versions, not news.
//! * [`Hub::known`] answers what an exposure names, so that its decision can be repeated.
//!
//! Versions only grow, over restarts too: the upper half counts the starts, or those who led where several collectors serve one
//! site, the lower half the publications. Rolling back is old content under a new version.
//!
//! Who publishes is a [`Press`]: a hub by itself, or where several collectors serve one site whoever leads them. Then every hub is
//! [`Shared`](shared): it shows what it reads where all of them read, and nothing else.

mod announcement;
mod history;
mod latency;
mod press;
mod shared;
mod store;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tiltwise_core::{
    snapshot::{SealedSnapshot, SnapshotContent},
    wire::WireError,
};
use tokio::sync::watch;

use crate::{keys::Keys, log::LogClock, metrics::Metrics};
use history::Decoded;
use latency::Latency;
use store::Store;

pub use press::Press;
pub use shared::Feed;
pub use store::{Needless, Place, Version};

/// How long a snapshot may be adopted after its publication.
pub const VALID_MS: u64 = 7 * 24 * 3_600_000;

/// How often history is thinned, at most.
const THIN_EVERY_MS: u64 = 60_000;

#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("cannot keep snapshots in {path}: {what}")]
    Store { path: PathBuf, what: String },
    #[error("the content is no snapshot ({0}); nothing was published")]
    Content(#[from] WireError),
    #[error("version {0} is not held any more; `tiltwise status` lists the versions that are")]
    NotHeld(u64),
    #[error("the snapshot was not published: {0}")]
    Elsewhere(String),
}

#[derive(Debug, Clone)]
pub struct Options {
    /// Where snapshots are kept.
    pub path: PathBuf,
    pub site: String,
    /// How long an exposure may still need the version it named: the longest window and the lateness.
    pub named_for_ms: u64,
}

/// A version that an exposure names.
#[derive(Debug, Clone)]
pub struct Known {
    pub version: Version,
    /// What it says, while that is held.
    pub content: Option<Arc<SnapshotContent>>,
}

/// A snapshot as it was announced.
#[derive(Debug, Clone)]
pub struct Published {
    /// Without its content.
    pub envelope: SealedSnapshot,
    /// The whole, as an edge loads it.
    pub sealed: Bytes,
    /// What it says.
    pub content: Arc<SnapshotContent>,
    /// What the streams say of it, made once for all of them.
    pub announcement: String,
}

pub struct Hub {
    options: Options,
    keys: Arc<Keys>,
    clock: LogClock,
    metrics: Arc<Metrics>,
    store: Store,
    newest: watch::Sender<Option<Arc<Published>>>,
    decoded: Decoded,
    latency: Latency,
    turn: Mutex<Turn>,
    /// Where several collectors serve one site: what brings what all of them read.
    feed: OnceLock<Arc<dyn Feed>>,
}

/// What only the one who publishes changes.
struct Turn {
    last_version: u64,
    thinned_ms: u64,
}

impl Hub {
    /// Opens the history. The newest snapshot of the last run is served until the first of this one.
    pub fn open(
        options: Options,
        keys: Arc<Keys>,
        clock: LogClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, HubError> {
        let hub = Self::open_silent(options, keys, clock, metrics)?;
        if let Some(envelope) = hub.store.last()?
            && let Some(content) = hub.store.content(&envelope.hash)?
        {
            hub.show(envelope, &content)?;
        }
        Ok(hub)
    }

    /// The same, and shows nothing yet.
    fn open_silent(
        options: Options,
        keys: Arc<Keys>,
        clock: LogClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, HubError> {
        let store = Store::open(&options.path)?;
        let last = store.last()?;
        let epoch = last.as_ref().map_or(0, |last| last.version >> 32) + 1;
        Ok(Self {
            options,
            keys,
            clock,
            metrics,
            store,
            newest: watch::Sender::new(None),
            decoded: Decoded::default(),
            latency: Latency::default(),
            turn: Mutex::new(Turn {
                last_version: epoch << 32,
                thinned_ms: 0,
            }),
            feed: OnceLock::new(),
        })
    }

    /// Publishes an encoded [`SnapshotContent`] that holds everything received up to `folded_through_ms`. Returns its
    /// version. It is on disk before anybody sees it, so that no edge holds a version that a crash forgets.
    pub fn publish(&self, content: &[u8], folded_through_ms: u64) -> Result<u64, HubError> {
        let mut turn = self.turn();
        let version = turn.last_version + 1;
        let envelope = self.seal(content, version, folded_through_ms)?;
        let published_ms = envelope.published_ms;
        self.store.keep(&envelope, content)?;
        turn.last_version = version;
        self.show(envelope, content)?;
        self.count(folded_through_ms);
        if published_ms.saturating_sub(turn.thinned_ms) >= THIN_EVERY_MS {
            turn.thinned_ms = published_ms;
            let needless = self.store.needless(published_ms, self.options.named_for_ms)?;
            self.store.forget(&needless)?;
        }
        Ok(version)
    }

    /// Signs content as this version, published now.
    pub fn seal(
        &self,
        content: &[u8],
        version: u64,
        folded_through_ms: u64,
    ) -> Result<SealedSnapshot, HubError> {
        SnapshotContent::decode(content)?;
        let published_ms = self.clock.now_ms();
        let hash: [u8; 32] = Sha256::digest(content).into();
        let expires_ms = published_ms + VALID_MS;
        let (key_id, signature) =
            self.keys
                .signer
                .sign(&self.options.site, version, expires_ms, published_ms, &hash);
        Ok(SealedSnapshot {
            site: self.options.site.clone(),
            version,
            published_ms,
            expires_ms,
            hash,
            key_id,
            signature: signature.to_vec(),
            folded_through_ms,
            content: Vec::new(),
        })
    }

    /// Counts a publication, and what waited for it.
    fn count(&self, folded_through_ms: u64) {
        self.metrics.snapshots_published.inc();
        for waited_ms in self.latency.folded(folded_through_ms, self.clock.now_ms()) {
            self.metrics
                .event_to_snapshot_seconds
                .observe(waited_ms as f64 / 1_000.0);
        }
    }

    /// Publishes the content of an older version under a new one.
    pub fn roll_back(&self, version: u64) -> Result<u64, HubError> {
        let old = self.store.version(version)?.ok_or(HubError::NotHeld(version))?;
        let content = self.store.content(&old.hash)?.ok_or(HubError::NotHeld(version))?;
        self.publish(&content, old.folded_through_ms)
    }

    pub fn newest(&self) -> Option<Arc<Published>> {
        self.newest.borrow().clone()
    }

    /// Changes with every publication; shows the newest whenever it is looked at.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.newest.subscribe()
    }

    /// What is known of a version, for as long as an exposure may name it.
    pub fn known(&self, version: u64) -> Option<Known> {
        if let Some((version, content)) = self.decoded.get(version) {
            return Some(Known {
                version,
                content: Some(content),
            });
        }
        let version = self.store.version(version).ok().flatten()?;
        let content = self.load(&version);
        if let Some(content) = &content {
            self.decoded.put(version, content.clone());
        }
        Some(Known { version, content })
    }

    fn load(&self, version: &Version) -> Option<Arc<SnapshotContent>> {
        let bytes = self.store.content(&version.hash).ok()??;
        SnapshotContent::decode(&bytes).ok().map(Arc::new)
    }

    /// The bytes that have this hash, while they are held.
    pub fn content_by_hash(&self, hash: &[u8; 32]) -> Option<Bytes> {
        self.store.content(hash).ok().flatten().map(Bytes::from)
    }

    /// Says that an exposure has named this version: it is kept until nothing can depend on it.
    pub fn named(&self, version: u64) {
        if let Err(error) = self.store.named(version, self.clock.now_ms()) {
            tracing::warn!(%error, "a version that an exposure names could not be marked as such");
        }
    }

    /// Says that events received at this time are in the log, to measure how long until a snapshot holds them.
    pub fn received(&self, received_ms: u64) {
        self.latency.received(received_ms);
    }

    fn show(&self, envelope: SealedSnapshot, content: &[u8]) -> Result<(), HubError> {
        let decoded = Arc::new(SnapshotContent::decode(content)?);
        self.decoded.put(Version::of(&envelope), decoded.clone());
        let sealed = SealedSnapshot {
            content: content.to_vec(),
            ..envelope.clone()
        }
        .encode()
        .into();
        let announcement = announcement::of(&envelope);
        self.newest.send_replace(Some(Arc::new(Published {
            envelope,
            sealed,
            content: decoded,
            announcement,
        })));
        Ok(())
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        // Whoever panicked while publishing left either the old version or the new one, both whole.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
