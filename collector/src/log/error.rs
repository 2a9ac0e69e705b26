//! What can be wrong with the log, and what to do about it. No variant is ever answered with an acknowledgement.

use std::{path::PathBuf, sync::Arc};

/// Cloneable, because one failed commit is the answer to every append of its group.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    #[error("more is arriving than the disk takes; send again in a second")]
    Busy,
    #[error(
        "the disk that holds {path} has {free} bytes left, under the reserve of {reserve}; free some space or lower \
         log.retention, and writing goes on by itself"
    )]
    DiskFull { path: PathBuf, free: u64, reserve: u64 },
    #[error(
        "the log holds {bytes} bytes, log.max_bytes is {max}, and nothing more can be trimmed below the oldest kept \
         checkpoint; raise log.max_bytes"
    )]
    OverBudget { bytes: u64, max: u64 },
    #[error(
        "the log is closed: {why}; restart the collector, and it recovers everything it has acknowledged"
    )]
    Closed { why: Arc<str> },
    #[error(
        "record {offset} of the log in {path} is damaged ({what}); restore the directory from a backup, or rebuild from a \
         checkpoint that lies above it"
    )]
    Corrupt {
        path: PathBuf,
        offset: u64,
        what: Arc<str>,
    },
    #[error(
        "the log in {path} ends at record {found}, but {acknowledged} had been acknowledged; its journal was cut or \
         damaged; restore it from a backup, or remove {mark} to go on with what is left"
    )]
    Shrunk {
        path: PathBuf,
        found: u64,
        acknowledged: u64,
        mark: PathBuf,
    },
    #[error(
        "Kafka does not take what was sent, and the spool holds {bytes} bytes of at most {max} (kafka.spool_max_bytes); it drains by \
         itself once a broker answers"
    )]
    SpoolFull { bytes: u64, max: u64 },
    #[error("Kafka does not take what is sent: {why}")]
    Kafka { why: Arc<str> },
    #[error("record {offset} has been trimmed; the log starts at {first}")]
    Trimmed { offset: u64, first: u64 },
    #[error("cannot open the log in {path}: {what}")]
    Open { path: PathBuf, what: Arc<str> },
    #[error(
        "the log in {path} is in use by another process, most likely a collector that runs; stop that one first"
    )]
    InUse { path: PathBuf },
    #[error("cannot read the log in {path}: {what}")]
    Read { path: PathBuf, what: Arc<str> },
}

impl LogError {
    pub fn closed(why: impl Into<Arc<str>>) -> Self {
        Self::Closed { why: why.into() }
    }

    /// A word for metrics and programs.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Busy => "log-busy",
            Self::DiskFull { .. } => "disk-full",
            Self::OverBudget { .. } => "log-full",
            Self::SpoolFull { .. } => "spool-full",
            Self::Kafka { .. } => "kafka-unreachable",
            Self::Closed { .. } => "log-closed",
            Self::Corrupt { .. } | Self::Shrunk { .. } => "log-damaged",
            Self::Trimmed { .. } => "trimmed",
            Self::Open { .. } | Self::InUse { .. } | Self::Read { .. } => "log-unreadable",
        }
    }

    /// For strangers: what is wrong, without where.
    pub fn summary(&self) -> &'static str {
        match self {
            Self::Busy => "more is arriving than the disk takes",
            Self::DiskFull { .. } => "the disk is full; nothing is taken until there is room",
            Self::OverBudget { .. } => {
                "the log has reached its size limit; nothing is taken until there is room"
            }
            Self::SpoolFull { .. } => {
                "Kafka does not answer and the spool is full; nothing is taken until it drains"
            }
            Self::Kafka { .. } => "Kafka does not answer; nothing is taken until it does",
            Self::Closed { .. } => "the log is closed; nothing is taken until the collector was restarted",
            Self::Corrupt { .. } | Self::Shrunk { .. } => "the log is damaged",
            Self::Trimmed { .. } => "the record is not kept any more",
            Self::Open { .. } | Self::InUse { .. } | Self::Read { .. } => "the log cannot be read",
        }
    }
}
