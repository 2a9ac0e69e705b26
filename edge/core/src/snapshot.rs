//! All that an edge needs to decide, immutable and numbered.
//!
//! [`SnapshotContent`] is addressed by the SHA-256 of its bytes; [`SealedSnapshot`] is the signed envelope around it. The
//! core checks shapes; hashing and verifying the signature are its host's (they need a crypto library: WebCrypto in a page).

use alloc::{string::String, vec::Vec};

use crate::id::RevisionId;
use crate::model::Model;
use crate::revision::{MAX_ARMS, MAX_KEY, Revision};
use crate::wire::{Reader, SPEC_VERSION, WIRE_VERSION, WireError, Writer, check_version};

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
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotContent {
    pub experiments: Vec<Experiment>,
    /// Global Privacy Control denies personalization.
    pub gpc_limits: bool,
}

impl SnapshotContent {
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut content = Self::default();
        let (mut magic, mut wire, mut spec) = (0, 0, 0);
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => magic = r.fixed32(field)?,
                2 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                3 => spec = r.u32(field)?,
                4 if content.experiments.len() == MAX_EXPERIMENTS => {
                    return Err(WireError::OutOfRange("number of experiments (at most 256)"));
                }
                4 => content.experiments.push(Experiment::decode(r.bytes(field)?)?),
                5 => content.gpc_limits = r.bool(field)?,
                _ => return Err(r.unknown()),
            }
        }
        if magic != CONTENT_MAGIC {
            return Err(WireError::WrongMagic);
        }
        check_version(wire)?;
        if spec != SPEC_VERSION {
            return Err(WireError::Newer { found: spec });
        }
        Ok(content)
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
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut key, mut revision_id, mut revision) = ("", 0, None);
        let (mut stopped, mut phase, mut winner, mut model) = (Vec::new(), 0, 0, &[][..]);
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => key = r.text(field, MAX_KEY, "experiment key")?,
                2 => revision_id = r.fixed64(field)?,
                3 => revision = Some(Revision::decode(r.bytes(field)?)?),
                4 => r.repeated(field, &mut stopped, MAX_ARMS, "stopped arms", |v| Ok(v != 0))?,
                5 => phase = r.u32(field)?,
                6 => winner = r.u32(field)?,
                7 => model = r.bytes(field)?,
                _ => return Err(r.unknown()),
            }
        }
        let revision = revision.ok_or(WireError::Missing("revision"))?;
        let arms = revision.arms();
        if key != revision.key || !(stopped.is_empty() || stopped.len() == arms) || winner as usize >= arms {
            return Err(WireError::OutOfRange(
                "key, stopped arms or winner of an experiment",
            ));
        }
        let phase = match phase {
            0 => Phase::Running,
            1 => Phase::Paused,
            2 => Phase::Decided { winner },
            _ => return Err(WireError::OutOfRange("phase of an experiment")),
        };
        let model = Model::decode(model, arms)?;
        Ok(Self {
            revision_id: RevisionId(revision_id),
            revision,
            stopped,
            phase,
            model,
        })
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
        let mut sealed = Self::default();
        let (mut magic, mut wire) = (0, 0);
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => magic = r.fixed32(field)?,
                2 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                3 => sealed.site = r.text(field, MAX_SITE, "site")?.into(),
                4 => sealed.version = r.u64(field)?,
                5 => sealed.published_ms = r.u64(field)?,
                6 => sealed.expires_ms = r.u64(field)?,
                7 => sealed.hash = r.exactly(field, "hash (32 bytes)")?,
                8 => sealed.key_id = r.exactly(field, "key id (8 bytes)")?,
                9 => sealed.signature = r.exactly::<64>(field, "signature (64 bytes)")?.into(),
                10 => sealed.folded_through_ms = r.u64(field)?,
                11 => sealed.content = r.bytes(field)?.into(),
                _ => return Err(r.unknown()),
            }
        }
        if magic != SEALED_MAGIC {
            return Err(WireError::WrongMagic);
        }
        check_version(wire)?;
        Ok(sealed)
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
