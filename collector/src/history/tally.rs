//! What became of every row: used, or left out for a reason, with the lines to look at.

use std::collections::BTreeMap;

use serde::Serialize;

/// So many lines are named for each reason; the rest are counted.
const NAMED: usize = 10;

/// Why a row is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Malformed,
    NoTime,
    BadTime,
    Future,
    NoUnit,
    NoVariant,
    UnknownVariant,
    NoPropensity,
    BadPropensity,
    Certain,
    BadOutcome,
    OtherCurrency,
    TwoVariants,
    Repeated,
    NotEligible,
    TooYoung,
    TooOld,
    OtherEvent,
    OtherExperiment,
}

impl Reason {
    /// A word for programs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoTime => "no-time",
            Self::BadTime => "bad-time",
            Self::Future => "future",
            Self::NoUnit => "no-unit",
            Self::NoVariant => "no-variant",
            Self::UnknownVariant => "unknown-variant",
            Self::NoPropensity => "no-propensity",
            Self::BadPropensity => "bad-propensity",
            Self::Certain => "certain",
            Self::BadOutcome => "bad-outcome",
            Self::OtherCurrency => "other-currency",
            Self::TwoVariants => "two-variants",
            Self::Repeated => "repeated",
            Self::NotEligible => "not-eligible",
            Self::TooYoung => "too-young",
            Self::TooOld => "too-old",
            Self::OtherEvent => "other-event",
            Self::OtherExperiment => "other-experiment",
        }
    }

    /// A clause for people.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Malformed => "cannot be read",
            Self::NoTime => "no time",
            Self::BadTime => "the time is none that is known here",
            Self::Future => "the time has not come yet",
            Self::NoUnit => "no unit, so nobody knows whose row it is",
            Self::NoVariant => "no variant",
            Self::UnknownVariant => {
                "the variant is none of the experiment's; name it with --variant THEIRS=OURS"
            }
            Self::NoPropensity => "no propensity",
            Self::BadPropensity => "the propensity is no number above 0 and up to 1",
            Self::Certain => "the propensity is 1: nothing was chosen",
            Self::BadOutcome => "the outcome is no yes, no or amount of at least 0",
            Self::OtherCurrency => "an amount in another currency than the metric's",
            Self::TwoVariants => "the unit was shown more than one variant",
            Self::Repeated => "another row stands for it: the same unit in the same episode",
            Self::NotEligible => "not one that the experiment's `when` lets in",
            Self::TooYoung => "its window had not closed, so nobody knows its outcome",
            Self::TooOld => "older than ten half-lives, so it would weigh nothing",
            Self::OtherEvent => "another event",
            Self::OtherExperiment => "another experiment",
        }
    }

    /// Whether something is wrong with the row; otherwise it is fine, and of no use here.
    pub fn is_bad(self) -> bool {
        self < Self::Repeated
    }
}

/// What was left out for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    pub rows: u64,
    /// The first lines.
    pub lines: Vec<u64>,
    /// What the first of them has there; never a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// Rows by what became of them. Every row that was read is in exactly one place.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rows: u64,
    pub decisions: u64,
    pub outcomes: u64,
    /// By reason, and whether it is of the file that has outcomes alone.
    left_out: BTreeMap<(Reason, bool), LeftOut>,
    /// Which file is being read: that of outcomes alone, or the other.
    pub of_outcomes: bool,
}

impl Tally {
    pub fn leave_out(&mut self, reason: Reason, line: u64, found: Option<&str>) {
        let entry = self.left_out.entry((reason, self.of_outcomes)).or_default();
        entry.rows += 1;
        // The first lines of the file, in whatever order they come.
        let place = entry.lines.partition_point(|&named| named < line);
        if place == 0 || entry.found.is_none() {
            entry.found = found.map(|text| text.chars().take(40).collect());
        }
        entry.lines.insert(place, line);
        entry.lines.truncate(NAMED);
    }

    /// Rows by reason; whether they are of the file of outcomes.
    pub fn left_out(&self) -> impl Iterator<Item = (Reason, bool, &LeftOut)> {
        self.left_out
            .iter()
            .map(|(&(reason, of_outcomes), entry)| (reason, of_outcomes, entry))
    }

    /// Rows with which something is wrong.
    pub fn bad(&self) -> u64 {
        let bad = self.left_out.iter().filter(|((reason, _), _)| reason.is_bad());
        bad.map(|(_, entry)| entry.rows).sum()
    }

    /// A line for each reason, with the lines of the file.
    pub fn lines(&self) -> Vec<String> {
        self.left_out
            .iter()
            .map(|((reason, of_outcomes), entry)| {
                let found = match &entry.found {
                    Some(found) => format!(" ({found:?} in line {})", entry.lines.first().unwrap_or(&0)),
                    None => String::new(),
                };
                let lines: Vec<String> = entry.lines.iter().map(u64::to_string).collect();
                let more = match entry.rows - entry.lines.len() as u64 {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let word = match (entry.rows, of_outcomes) {
                    (1, false) => "line",
                    (_, false) => "lines",
                    (1, true) => "line of the outcomes",
                    (_, true) => "lines of the outcomes",
                };
                format!(
                    "{:>9}  {}{found}: {word} {}{more}",
                    entry.rows,
                    reason.clause(),
                    lines.join(", ")
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_are_named_and_the_rest_are_counted() {
        let mut tally = Tally::default();
        for line in 2..=13 {
            tally.leave_out(Reason::BadTime, line, Some("soon"));
        }
        tally.leave_out(Reason::OtherEvent, 40, None);
        assert_eq!(
            tally.lines(),
            [
                "       12  the time is none that is known here (\"soon\" in line 2): lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 \
                 and 2 more",
                "        1  another event: line 40",
            ]
        );
        assert_eq!(tally.bad(), 12);
    }
}
