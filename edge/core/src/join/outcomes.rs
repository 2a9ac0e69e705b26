//! The outcomes of a unit: which copy of an id stands, and how long each is kept.
//!
//! Copies of an id stand in a chain by (received, tier, content): the first stands, those received within `dedupe` of it
//! are its duplicates, the next one after that is a new event, and so on. A shop that reuses order number 1 next year
//! makes a new purchase; a batch that is sent again tomorrow does not.
//!
//! A metric that asks for a tier sees only copies of that tier: a page that reports the shop's order number first (or lies
//! about it) must not put the server's own copy out of the count.

use alloc::vec::Vec;

use super::Params;
use crate::event::LoggedOutcome;
use crate::id::Tier;

/// A unit's outcomes are held up to this number; then the one received first is forgotten. An episode is void above a
/// thousand, so it takes several thousand outcomes in a few days, which nobody makes by hand, to feel this bound.
pub const MAX_HELD: usize = 4_096;

/// One copy as it was received. Copies are ordered by their fields from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copy {
    pub id: [u8; 16],
    pub received_ms: u64,
    pub tier: Tier,
    pub at_ms: u64,
    pub outcome: LoggedOutcome,
}

/// Copies, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    copies: Vec<Copy>,
}

impl Outcomes {
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    pub fn len(&self) -> usize {
        self.copies.len()
    }

    /// All copies, ascending.
    pub fn copies(&self) -> &[Copy] {
        &self.copies
    }

    /// From copies in any order.
    pub fn from_copies(copies: Vec<Copy>) -> Self {
        let mut outcomes = Self::default();
        for copy in copies {
            // Those that were written down come in order, and go to the end.
            outcomes.insert(copy);
        }
        outcomes
    }

    /// Adds a copy, unless it is there already.
    pub fn insert(&mut self, copy: Copy) -> bool {
        match self.copies.binary_search(&copy) {
            Ok(_) => false,
            Err(place) => {
                self.copies.insert(place, copy);
                true
            }
        }
    }

    /// Forgets the copy that was received first.
    pub fn forget_oldest(&mut self) {
        let oldest = self
            .copies
            .iter()
            .enumerate()
            .min_by_key(|(_, c)| (c.received_ms, c.id));
        if let Some((place, _)) = oldest {
            self.copies.remove(place);
        }
    }

    /// The standing copies of at least this tier, by id and then by time.
    pub fn standing(&self, dedupe_ms: u64, least: Tier) -> impl Iterator<Item = &Copy> {
        let mut chain = Chain::of(least);
        self.copies
            .iter()
            .filter(move |copy| chain.stands(copy, dedupe_ms))
    }

    /// Voids what was received up to `through_ms`.
    pub fn erase(&mut self, through_ms: u64) {
        self.copies.retain(|copy| copy.received_ms > through_ms);
    }

    /// Forgets what no event can make count any more. `awaited` says whether an open episode may count an outcome of this
    /// time.
    ///
    /// A standing copy is kept
    /// * while a copy of it can still arrive: one received up to `dedupe` later, and `disorder` after that;
    /// * while an episode is open in whose window it lies;
    /// * while an exposure can still arrive that was decided before it: one received since `clock - disorder`, and so
    ///   decided since `clock - disorder - lateness`.
    ///
    /// A duplicate is kept while an erasure can still arrive that covers the standing copy and not it: one whose stamp is
    /// before the duplicate's, which cannot arrive later than `disorder` after it. A copy that stands for any tier is a
    /// standing copy, and a standing copy outlives its duplicates: without it they would stand, and count once more. Since
    /// the duplicate of one tier may be what stands for another, that is followed until it leads no further.
    pub fn trim(&mut self, params: &Params, clock_ms: u64, awaited: impl Fn(u64) -> bool) {
        let reaches =
            |ms: u64, wait: u64| ms.saturating_add(wait).saturating_add(params.disorder_ms) >= clock_ms;
        let stands_for_somebody = self.stand_in_a_chain(params.dedupe_ms);
        let mut needed: Vec<bool> = self
            .copies
            .iter()
            .zip(stands_for_somebody)
            .map(|(copy, stands)| {
                reaches(copy.received_ms, 0)
                    || stands
                        && (reaches(copy.received_ms, params.dedupe_ms)
                            || reaches(copy.at_ms, params.lateness_ms)
                            || awaited(copy.at_ms))
            })
            .collect();
        while self.need_what_stands_for_the_needed(params.dedupe_ms, &mut needed) {}
        let mut needed = needed.into_iter();
        self.copies.retain(|_| needed.next().unwrap_or(false));
    }

    /// For each copy whether it stands for a metric of any tier.
    fn stand_in_a_chain(&self, dedupe_ms: u64) -> Vec<bool> {
        let mut stand = alloc::vec![false; self.copies.len()];
        for least in TIERS {
            let mut chain = Chain::of(least);
            for (stands, copy) in stand.iter_mut().zip(&self.copies) {
                *stands |= chain.stands(copy, dedupe_ms);
            }
        }
        stand
    }

    /// Marks the standing copies of duplicates that are marked. False where all were marked already.
    fn need_what_stands_for_the_needed(&self, dedupe_ms: u64, needed: &mut [bool]) -> bool {
        let mut more = false;
        for least in TIERS {
            let (mut chain, mut standing) = (Chain::of(least), None);
            for (place, copy) in self.copies.iter().enumerate().filter(|(_, c)| c.tier >= least) {
                if chain.stands(copy, dedupe_ms) {
                    standing = Some(place);
                } else if needed.get(place).copied().unwrap_or(false)
                    && let Some(its) = standing.and_then(|place: usize| needed.get_mut(place))
                {
                    more |= !*its;
                    *its = true;
                }
            }
        }
        more
    }
}

/// Whose copies a metric may ask for.
const TIERS: [Tier; 3] = [Tier::Page, Tier::Worker, Tier::Server];

/// Walks over copies in order and knows the last standing one of at least its tier.
struct Chain {
    least: Tier,
    last: Option<([u8; 16], u64)>,
}

impl Chain {
    fn of(least: Tier) -> Self {
        Self { least, last: None }
    }

    fn stands(&mut self, copy: &Copy, dedupe_ms: u64) -> bool {
        if copy.tier < self.least {
            return false;
        }
        let duplicate = self.last.is_some_and(|(id, received_ms)| {
            id == copy.id && copy.received_ms <= received_ms.saturating_add(dedupe_ms)
        });
        if !duplicate {
            self.last = Some((copy.id, copy.received_ms));
        }
        !duplicate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(id: u8, received_ms: u64, tier: Tier) -> Copy {
        Copy {
            id: [id; 16],
            received_ms,
            tier,
            at_ms: received_ms,
            outcome: LoggedOutcome::new("purchase", 1.0, "EUR"),
        }
    }

    #[test]
    fn a_copy_within_the_horizon_is_a_duplicate_and_one_after_it_a_new_event() {
        let copies = [10, 60, 110, 111, 200].map(|ms| copy(1, ms, Tier::Page));
        let outcomes = Outcomes::from_copies(copies.to_vec());
        let standing: Vec<u64> = outcomes
            .standing(100, Tier::Page)
            .map(|c| c.received_ms)
            .collect();
        assert_eq!(standing, [10, 111]);
    }

    #[test]
    fn of_copies_received_together_the_less_trusted_stands() {
        let outcomes = Outcomes::from_copies([copy(1, 5, Tier::Server), copy(1, 5, Tier::Page)].to_vec());
        let standing: Vec<Tier> = outcomes.standing(100, Tier::Page).map(|c| c.tier).collect();
        assert_eq!(standing, [Tier::Page]);
    }

    #[test]
    fn a_page_that_was_first_does_not_put_the_servers_copy_out_of_the_count() {
        let outcomes = Outcomes::from_copies([copy(1, 5, Tier::Page), copy(1, 9, Tier::Server)].to_vec());
        let of = |least| outcomes.standing(100, least).map(|c| c.tier).collect::<Vec<_>>();
        assert_eq!(of(Tier::Page), [Tier::Page]);
        assert_eq!(of(Tier::Server), [Tier::Server]);
        let params = Params {
            lateness_ms: 10,
            disorder_ms: 20,
            dedupe_ms: 100,
            mark_ms: 20,
        };
        let mut trimmed = outcomes.clone();
        trimmed.trim(&params, 60, |_| false);
        assert_eq!(trimmed, outcomes, "both stand for somebody");
    }

    /// For the server's metric the second stands for the third; the third stands for the page's, and the fourth does not.
    #[test]
    fn what_stands_for_one_tier_outlives_a_duplicate_that_stands_for_another() {
        let params = Params {
            lateness_ms: 10,
            disorder_ms: 20,
            dedupe_ms: 100,
            mark_ms: 20,
        };
        let copies = [
            copy(1, 0, Tier::Page),
            copy(1, 50, Tier::Server),
            copy(1, 150, Tier::Server),
            copy(1, 240, Tier::Server),
        ];
        let mut outcomes = Outcomes::from_copies(copies.to_vec());
        let standing = |outcomes: &Outcomes| -> Vec<u64> {
            let standing = outcomes.standing(100, Tier::Server);
            standing.map(|c| c.received_ms).collect()
        };
        assert_eq!(standing(&outcomes), [50, 240]);
        outcomes.trim(&params, 265, |_| false);
        assert_eq!(standing(&outcomes), [50, 240]);
        let once = outcomes.clone();
        outcomes.trim(&params, 265, |_| false);
        assert_eq!(outcomes, once, "trimming again forgets nothing more");
        outcomes.trim(&params, 400, |_| false);
        assert!(outcomes.is_empty());
    }

    #[test]
    fn what_can_never_count_again_is_forgotten() {
        let params = Params {
            lateness_ms: 10,
            disorder_ms: 20,
            dedupe_ms: 100,
            mark_ms: 20,
        };
        let mut outcomes = Outcomes::from_copies([copy(1, 0, Tier::Page), copy(1, 5, Tier::Page)].to_vec());
        outcomes.trim(&params, 26, |_| false);
        assert_eq!(outcomes.len(), 1, "the duplicate has gone");
        outcomes.trim(&params, 120, |_| false);
        assert_eq!(outcomes.len(), 1);
        outcomes.trim(&params, 121, |_| true);
        assert_eq!(outcomes.len(), 1, "an open episode still waits for it");
        outcomes.trim(&params, 121, |_| false);
        assert!(outcomes.is_empty());
    }
}
