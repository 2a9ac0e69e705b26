//! Why an event is refused: a word for metrics and programs, a sentence for people, a byte for the compact answer.

use std::fmt;

use tiltwise_core::{check::ClaimError, wire::WireError};

/// Said to the sender and counted by its label; never logged, because what could not be read may be quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reject {
    Malformed(WireError),
    /// In JSON, what could not be read.
    Unreadable(String),
    TooLarge,
    NoUnit,
    NoId,
    Currency,
    VisitorFromTheFuture,
    VisitorTooOld,
    VisitorForgotten,
    UnknownModel,
    UnknownRevision,
    Claim(ClaimError),
}

impl Reject {
    /// For metrics and programs.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Unreadable(_) => "malformed",
            Self::TooLarge => "too-large",
            Self::NoUnit => "no-unit",
            Self::NoId => "no-id",
            Self::Currency => "currency",
            Self::VisitorFromTheFuture => "visitor-from-the-future",
            Self::VisitorTooOld => "visitor-too-old",
            Self::VisitorForgotten => "visitor-forgotten",
            Self::UnknownModel => "unknown-model",
            Self::UnknownRevision => "unknown-revision",
            Self::Claim(claim) => claim.label(),
        }
    }

    /// For the compact answer. Accepted is 0 and duplicate 1; the rest start above.
    pub fn code(&self) -> u8 {
        match self {
            Self::Malformed(_) | Self::Unreadable(_) => 2,
            Self::TooLarge => 3,
            Self::NoUnit => 4,
            Self::NoId => 5,
            Self::Currency => 6,
            Self::VisitorFromTheFuture => 7,
            Self::VisitorTooOld => 8,
            Self::VisitorForgotten => 9,
            Self::UnknownModel => 10,
            Self::UnknownRevision => 11,
            Self::Claim(_) => 12,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the event cannot be read: {error}"),
            Self::Unreadable(error) => write!(f, "the event cannot be read: {error}"),
            Self::TooLarge => f.write_str("an event is at most 8 kB"),
            Self::NoUnit => f.write_str("the event has neither a visitor nor an account, or not the one that its experiment randomises"),
            Self::NoId => f.write_str("a batch without a session needs an id on every event, so that sending it again does not count twice"),
            Self::Currency => f.write_str("a currency is three capital letters (ISO 4217)"),
            Self::VisitorFromTheFuture => f.write_str("the visitor id was minted in a week that has not come yet"),
            Self::VisitorTooOld => f.write_str("the visitor id is older than ids are kept; mint a new one"),
            Self::VisitorForgotten => f.write_str("the visitor ids of that week were forgotten; mint a new one"),
            Self::UnknownModel => f.write_str("no snapshot of this version was published here"),
            Self::UnknownRevision => f.write_str("the snapshot that the exposure names has no such revision"),
            Self::Claim(claim) => claim.fmt(f),
        }
    }
}
