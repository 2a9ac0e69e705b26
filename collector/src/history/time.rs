//! Times as exports write them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Milliseconds since 1970 from RFC 3339, a date with or without a time of day (UTC), or a number since 1970: seconds,
/// milliseconds, microseconds or nanoseconds, told apart by their size.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return from_number(number);
    }
    // BigQuery and Snowflake write " UTC" behind it.
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<civil::DateTime>().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    u64::try_from(at.as_millisecond()).ok()
}

/// A number of seconds passes 10^11 in the year 5138, one of milliseconds did in 1973; and so on by thousands.
fn from_number(number: f64) -> Option<u64> {
    let ms = match number {
        n if !n.is_finite() || n <= 0.0 => return None,
        n if n < 1e11 => n * 1e3,
        n if n < 1e14 => n,
        n if n < 1e17 => n / 1e3,
        n => n / 1e6,
    };
    Some(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn one_moment_reads_the_same_in_every_form() {
        for text in [
            "2024-03-01T12:00:00Z",
            "2024-03-01T13:00:00+01:00",
            "2024-03-01 12:00:00",
            "2024-03-01 12:00:00.000 UTC",
            "1709294400",
            "1709294400.0",
            "1709294400000",
            "1709294400000000",
            "1709294400000000000",
        ] {
            assert_eq!(parse(text), Some(1_709_294_400_000), "{text}");
        }
        assert_eq!(parse("2024-03-01"), Some(1_709_251_200_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "01.03.2024", "-5", "NaN", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
