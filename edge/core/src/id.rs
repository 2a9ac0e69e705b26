//! Who and what: the ids that travel.

/// The length of a visitor id on the wire: its mint week, then 128 random bits.
pub const VISITOR_BYTES: usize = 18;

/// A visitor id as the page holds it. The collector turns it into a [`Pseudonym`] at once and never stores it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Visitor(pub [u8; VISITOR_BYTES]);

impl Visitor {
    /// A new id, minted at `now_ms` from 16 random bytes.
    pub fn mint(now_ms: u64, random: [u8; 16]) -> Self {
        let week = u16::try_from(now_ms / WEEK_MS).unwrap_or(u16::MAX).to_be_bytes();
        let mut id = [0; VISITOR_BYTES];
        let (head, tail) = id.split_at_mut(2);
        head.copy_from_slice(&week);
        tail.copy_from_slice(&random);
        Self(id)
    }

    /// Whole weeks from 1970-01-01 to the week in which the id was minted.
    pub fn week(&self) -> u16 {
        let [high, low, ..] = self.0;
        u16::from_be_bytes([high, low])
    }
}

/// Never prints the id: a debug line ends up in a log.
impl core::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Visitor(week {})", self.week())
    }
}

/// A week in milliseconds; mint weeks are counted in these from 1970-01-01.
pub const WEEK_MS: u64 = 7 * 24 * 3_600_000;

/// What stands for a unit right of admit: 128 bits of an HMAC under the site's key of the unit's mint week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub [u8; 16]);

/// Names a compiled definition: the first 8 bytes, little endian, of the SHA-256 of the encoded revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(pub u64);

/// Who is randomised, right of admit and left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u32)]
pub enum UnitKind {
    #[default]
    Visitor = 0,
    Account = 1,
}

/// Who sent an event, by what it proved: the later, the more trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u32)]
pub enum Tier {
    /// Anybody: no key.
    #[default]
    Page = 0,
    /// An edge worker with its key.
    Worker = 1,
    /// A back end, app or ad platform with a secret server key.
    Server = 2,
}

impl Tier {
    pub(crate) fn from_wire(v: u32) -> Result<Self, crate::wire::WireError> {
        match v {
            0 => Ok(Self::Page),
            1 => Ok(Self::Worker),
            2 => Ok(Self::Server),
            _ => Err(crate::wire::WireError::OutOfRange("tier")),
        }
    }
}
