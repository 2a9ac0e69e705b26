//! The stage that asks other people's programs: intervals against gbstats' and confseq's, rewards against Vowpal Wabbit's and
//! mabwiser's.
//!
//! They live in virtual environments of their own among the build products, with pinned versions. Where Python, the package
//! registry or what a package is compiled with is missing, that is a skip with its name: nothing is wrong with this repository
//! then.

mod intervals;
mod learners;

use anyhow::Result;

use crate::count::Counts;

pub fn test() -> Result<Counts> {
    let mut counts = intervals::test()?;
    counts.add(learners::test()?);
    Ok(counts)
}
