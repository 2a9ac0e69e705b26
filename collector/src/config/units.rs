//! Sizes and durations as people write them: "20GB", "28d", "250ms".

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::document::{Node, Value};
use super::setting::{Misfit, Setting};

/// A length of time, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    ms: u64,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize {
    bytes: u64,
}

/// Largest first, so that what is shown uses the largest unit that divides it.
const SPAN_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The decimal units of disks, and the binary ones of memory, each under its own name.
const BYTE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl Span {
    pub const fn from_ms(ms: u64) -> Self {
        Self { ms }
    }

    pub const fn from_secs(seconds: u64) -> Self {
        Self { ms: seconds * 1_000 }
    }

    pub const fn from_days(days: u64) -> Self {
        Self {
            ms: days * 86_400_000,
        }
    }

    pub const fn ms(self) -> u64 {
        self.ms
    }

    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }

    /// Reads "28d"; a fraction ("1.5h") is allowed where it comes to whole milliseconds.
    pub fn parse(text: &str) -> Option<Self> {
        parse_amount(text, &SPAN_UNITS).map(|ms| Self { ms })
    }
}

impl ByteSize {
    pub const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    pub const fn bytes(self) -> u64 {
        self.bytes
    }

    /// As a length in memory.
    pub fn len(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    pub const fn is_empty(self) -> bool {
        self.bytes == 0
    }

    /// Reads "20GB", "512KiB".
    pub fn parse(text: &str) -> Option<Self> {
        parse_amount(text, &BYTE_UNITS).map(|bytes| Self { bytes })
    }
}

impl Setting for Span {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let remedy = "Write a number with ms, s, m, h or d, in quotes: \"30m\"";
        let (Value::Text(text) | Value::Given(text)) = &node.value else {
            return Err(Misfit::new("is no duration", remedy));
        };
        Self::parse(text).ok_or_else(|| Misfit::new("is no duration", remedy))
    }
}

impl Setting for ByteSize {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let remedy = "Write a number with B, kB, MB, GB, TB (or KiB, MiB, GiB, TiB), in quotes: \"20GB\"";
        let (Value::Text(text) | Value::Given(text)) = &node.value else {
            return Err(Misfit::new("is no size", remedy));
        };
        Self::parse(text).ok_or_else(|| Misfit::new("is no size", remedy))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_amount(f, self.ms, &SPAN_UNITS)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_amount(f, self.bytes, &BYTE_UNITS)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn parse_amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*factor);
    }
    let exact = number.parse::<f64>().ok()? * *factor as f64;
    // 2^53: beyond it a float no longer holds every whole number.
    (exact.fract() == 0.0 && exact < 9_007_199_254_740_992.0).then_some(exact as u64)
}

fn show_amount(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let (name, factor) = units
        .iter()
        .find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor))
        .or(units.last())
        .copied()
        .unwrap_or(("", 1));
    write!(f, "{}{name}", amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("250ms", 250),
            ("30m", 1_800_000),
            ("28d", 2_419_200_000),
            ("1.5h", 5_400_000),
            ("2 d", 172_800_000),
            ("0s", 0),
        ] {
            assert_eq!(Span::parse(text), Some(Span::from_ms(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "30",
            "m",
            "-1d",
            "1y",
            "1w",
            "1.0001ms",
            "99999999999999999w",
            "1 d 2 h",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_size_and_a_binary_one_differ() {
        assert_eq!(
            ByteSize::parse("20GB"),
            Some(ByteSize::from_bytes(20_000_000_000))
        );
        assert_eq!(ByteSize::parse("20GiB"), Some(ByteSize::from_bytes(20 << 30)));
        assert_eq!(ByteSize::parse("20gb"), None);
    }

    #[test]
    fn what_is_shown_reads_back_the_same() {
        for ms in [0, 1, 250, 1_000, 90_000, 5_400_000, 604_800_000] {
            assert_eq!(
                Span::parse(&Span::from_ms(ms).to_string()),
                Some(Span::from_ms(ms))
            );
        }
        for bytes in [0, 999, 1_000, 1_024, 8_000, 20_000_000_000] {
            assert_eq!(
                ByteSize::parse(&ByteSize::from_bytes(bytes).to_string()),
                Some(ByteSize::from_bytes(bytes))
            );
        }
    }
}
