//! All that an edge needs to decide, immutable and numbered.
//!
//! [`SnapshotContent`] is addressed by the SHA-256 of its bytes; [`SealedSnapshot`] is the signed envelope around it. The
//! core checks shapes; hashing and verifying the signature are its host's (they need a crypto library: WebCrypto in a page).

use alloc::{string::String, vec::Vec};

use crate::id::RevisionId;
use crate::model::Model;
use crate::propensity::Arms;
use crate::revision::{MAX_ARMS, MAX_KEY, Revision};
use crate::wire::shape::{FIXED32, FIXED64, MESSAGE, Rule, TRUTH, U32, WIRE, bytes, each, list, upto};
use crate::wire::{Fields, Message, SPEC_VERSION, WIRE_VERSION, WireError, Writer};

/// "TWS1" and "TWP1".
pub const CONTENT_MAGIC: u32 = u32::from_le_bytes(*b"TWS1");
pub const SEALED_MAGIC: u32 = u32::from_le_bytes(*b"TWP1");
/// A site serves at most so many experiments in one snapshot.
pub const MAX_EXPERIMENTS: usize = 256;
/// A site's name is at most so many bytes.
pub const MAX_SITE: usize = 64;

/// What actions have laid over the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Running,
    /// Everybody gets the control, without exposure.
    Paused,
    /// Everybody gets this arm, without exposure.
    Decided { winner: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    pub revision_id: RevisionId,
    pub revision: Revision,
    /// One an arm, or none: whether it is stopped.
    pub stopped: Vec<bool>,
    pub phase: Phase,
    pub model: Model,
}

impl Experiment {
    /// Whether an arm may be shown.
    pub fn is_active(&self, arm: usize) -> bool {
        arm < self.revision.arms() && !self.stopped.get(arm).copied().unwrap_or(false)
    }

    /// The arms that may be shown.
    pub fn active(&self) -> Arms {
        Arms::of(self.revision.arms(), |arm| self.is_active(arm))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotContent {
    pub experiments: Vec<Experiment>,
    /// Global Privacy Control denies personalization.
    pub gpc_limits: bool,
}

impl SnapshotContent {
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Message::read(bytes, Self::read)
    }

    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 5] = [
            FIXED32,
            WIRE,
            U32,
            each(MAX_EXPERIMENTS, "number of experiments (at most 256)"),
            TRUTH,
        ];
        let f = Fields::read(m, &RULES);
        m.check_head(f.u32(1), CONTENT_MAGIC, f.u32(2));
        if f.u32(3) != SPEC_VERSION {
            m.fail(WireError::Newer { found: f.u32(3) });
        }
        Self {
            experiments: f.each(m, 4, Experiment::read),
            gpc_limits: f.is(5),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed32(1, CONTENT_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        w.uint(3, SPEC_VERSION.into());
        for experiment in &self.experiments {
            w.message(4, |w| experiment.write(w));
        }
        w.bool(5, self.gpc_limits);
        w.into_bytes()
    }

    /// The place of an experiment by its key.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.experiments.iter().position(|e| e.revision.key == key)
    }
}

impl Experiment {
    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 7] = [
            bytes(MAX_KEY, "experiment key"),
            FIXED64,
            MESSAGE,
            list(MAX_ARMS, "stopped arms"),
            upto(2, "phase of an experiment"),
            U32,
            MESSAGE,
        ];
        let f = Fields::read(m, &RULES);
        m.need(f.has(3), "revision");
        let revision = f.message(m, 3, Revision::read);
        let arms = revision.arms();
        let stopped = f.list(m, 4);
        let winner = f.u32(6);
        let fits = f.bytes(1) == revision.key.as_bytes()
            && (stopped.is_empty() || stopped.len() == arms)
            && (winner as usize) < arms;
        m.require(fits, "key, stopped arms or winner of an experiment");
        Self {
            revision_id: RevisionId(f.u64(2)),
            revision,
            stopped: stopped.into_iter().map(|s| s != 0).collect(),
            phase: match f.u32(5) {
                0 => Phase::Running,
                1 => Phase::Paused,
                _ => Phase::Decided { winner },
            },
            model: f.message(m, 7, |m| Model::read(m, arms)),
        }
    }

    fn write(&self, w: &mut Writer) {
        w.text(1, &self.revision.key);
        w.fixed64(2, self.revision_id.0);
        w.message(3, |w| self.revision.write(w));
        w.packed_u64(4, self.stopped.iter().map(|&s| u64::from(s)));
        let (phase, winner) = match self.phase {
            Phase::Running => (0, 0),
            Phase::Paused => (1, 0),
            Phase::Decided { winner } => (2, winner),
        };
        w.uint(5, phase);
        w.uint(6, winner.into());
        w.message(7, |w| self.model.write(w));
    }
}

/// The envelope: what is signed, and the content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedSnapshot {
    pub site: String,
    /// Leader epoch in the upper 32 bits, a counter in the lower. Only grows.
    pub version: u64,
    pub published_ms: u64,
    pub expires_ms: u64,
    /// SHA-256 of the content.
    pub hash: [u8; 32],
    /// The first 8 bytes of the SHA-256 of the public key.
    pub key_id: [u8; 8],
    /// Ed25519, 64 bytes.
    pub signature: Vec<u8>,
    /// Everything received up to this time is in the models.
    pub folded_through_ms: u64,
    /// An encoded [`SnapshotContent`].
    pub content: Vec<u8>,
}

impl SealedSnapshot {
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Message::read(bytes, Self::read)
    }

    fn read(m: &mut Message<'_>) -> Self {
        let mut sealed = Self::default();
        let (mut magic, mut wire) = (0, 0);
        while let Some(number) = m.next_field() {
            match number {
                1 => magic = m.fixed32(),
                2 => wire = m.wire(),
                3 => sealed.site = m.text(MAX_SITE, "site"),
                4 => sealed.version = m.u64(),
                5 => sealed.published_ms = m.u64(),
                6 => sealed.expires_ms = m.u64(),
                7 => sealed.hash = m.exactly("hash (32 bytes)"),
                8 => sealed.key_id = m.exactly("key id (8 bytes)"),
                9 => sealed.signature = m.exactly::<64>("signature (64 bytes)").into(),
                10 => sealed.folded_through_ms = m.u64(),
                11 => sealed.content = m.bytes().into(),
                _ => m.unknown(),
            }
        }
        m.check_head(magic, SEALED_MAGIC, wire);
        sealed
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed32(1, SEALED_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        w.text(3, &self.site);
        w.uint(4, self.version);
        w.uint(5, self.published_ms);
        w.uint(6, self.expires_ms);
        w.bytes(7, &self.hash);
        w.bytes(8, &self.key_id);
        w.bytes(9, &self.signature);
        w.uint(10, self.folded_through_ms);
        w.bytes(11, &self.content);
        w.into_bytes()
    }

    /// The bytes that are signed: everything that says what the content means and how long, and its hash.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(19 + 1 + self.site.len() + 24 + 32);
        bytes.extend_from_slice(b"tiltwise-snapshot-1");
        bytes.push(self.site.len() as u8);
        bytes.extend_from_slice(self.site.as_bytes());
        for number in [self.version, self.expires_ms, self.published_ms] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.hash);
        bytes
    }
}
