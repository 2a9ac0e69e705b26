//! What is on its way to Kafka, and who waits for it. Decides nothing about brokers or disks: it says what is known.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::log::{SeenKey, answer::Reply};

/// A record that no broker has acknowledged yet.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) partition: usize,
    pub(super) record: Bytes,
    /// Whose acknowledgement waits for it.
    group: Option<u64>,
    /// The spool holds it too.
    pub(super) spooled: bool,
}

/// Appends that were written together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Each with the parts of it that were new.
    pub(super) waiting: Vec<(Reply, Vec<bool>)>,
    pub(super) keys: HashSet<SeenKey>,
}

#[derive(Debug)]
struct Waiting {
    group: Group,
    open: usize,
    since: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    records: BTreeMap<u64, Open>,
    groups: BTreeMap<u64, Waiting>,
    next_group: u64,
    bytes: usize,
}

/// What a delivery settles.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) spooled: bool,
    /// The group of which this was the last record, and since when it waited.
    pub(super) group: Option<(Group, Instant)>,
    pub(super) open: Open,
}

impl Ledger {
    /// Enters records whose group waits for a broker.
    pub(super) fn enter(&mut self, group: Group, records: Vec<(u64, usize, Bytes)>, now: Instant) {
        let name = self.next_group;
        self.next_group += 1;
        self.groups.insert(
            name,
            Waiting {
                group,
                open: records.len(),
                since: now,
            },
        );
        for (number, partition, record) in records {
            self.put(number, partition, record, Some(name), false);
        }
    }

    /// Enters a record of the spool, which nobody waits for any more.
    pub(super) fn enter_spooled(&mut self, number: u64, partition: usize, record: Bytes) {
        self.put(number, partition, record, None, true);
    }

    fn put(&mut self, number: u64, partition: usize, record: Bytes, group: Option<u64>, spooled: bool) {
        self.bytes += record.len();
        let open = Open {
            partition,
            record,
            group,
            spooled,
        };
        self.records.insert(number, open);
    }

    /// A broker has it, or nobody ever will.
    pub(super) fn settle(&mut self, number: u64) -> Option<Settled> {
        let open = self.records.remove(&number)?;
        self.bytes = self.bytes.saturating_sub(open.record.len());
        let name = open.group;
        let last = name.is_some_and(|name| {
            self.groups.get_mut(&name).is_some_and(|waiting| {
                waiting.open = waiting.open.saturating_sub(1);
                waiting.open == 0
            })
        });
        let group = name.filter(|_| last).and_then(|name| self.groups.remove(&name));
        Some(Settled {
            spooled: open.spooled,
            group: group.map(|waiting| (waiting.group, waiting.since)),
            open,
        })
    }

    /// Since when the oldest group waits.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.groups.first_key_value().map(|(_, waiting)| waiting.since)
    }

    /// Takes away the groups that have waited so long. Their records stay.
    pub(super) fn give_up(&mut self, now: Instant, patience: Duration) -> Vec<Group> {
        let mut late = Vec::new();
        while let Some(entry) = self.groups.first_entry() {
            if now.saturating_duration_since(entry.get().since) < patience {
                break;
            }
            late.push(entry.remove().group);
        }
        late
    }

    /// Takes all groups away, since the spool now answers for them.
    pub(super) fn take_groups(&mut self) -> Vec<(Group, Instant)> {
        let groups = std::mem::take(&mut self.groups);
        groups
            .into_values()
            .map(|waiting| (waiting.group, waiting.since))
            .collect()
    }

    /// The records that only memory holds, in order.
    pub(super) fn unspooled(&self) -> impl Iterator<Item = (u64, &Open)> {
        self.records
            .iter()
            .filter(|(_, open)| !open.spooled)
            .map(|(number, open)| (*number, open))
    }

    /// The spool holds all of them now.
    pub(super) fn all_spooled(&mut self) {
        for open in self.records.values_mut() {
            open.spooled = true;
            open.group = None;
        }
    }

    /// The first record after a number.
    pub(super) fn after(&self, number: u64) -> Option<(u64, &Open)> {
        let mut after = self.records.range(number.saturating_add(1)..);
        after.next().map(|(number, open)| (*number, open))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::answer::{Pending, pending};

    fn group() -> (Group, Pending) {
        let (reply, answer) = pending();
        let group = Group {
            waiting: vec![(reply, vec![true])],
            keys: HashSet::new(),
        };
        (group, answer)
    }

    #[test]
    fn a_group_is_settled_with_the_last_of_its_records_whatever_their_order() {
        let mut ledger = Ledger::default();
        let now = Instant::now();
        ledger.enter(
            group().0,
            vec![(1, 0, vec![1].into()), (2, 1, vec![2].into())],
            now,
        );
        ledger.enter(group().0, vec![(3, 0, vec![3].into())], now);
        assert!(ledger.settle(2).unwrap().group.is_none());
        assert!(ledger.settle(3).unwrap().group.is_some());
        assert!(
            ledger.settle(3).is_none(),
            "a second report of a record says nothing new"
        );
        assert!(ledger.settle(1).unwrap().group.is_some());
        assert!(ledger.is_empty() && ledger.bytes() == 0);
    }

    #[test]
    fn what_has_waited_too_long_is_given_up_and_its_records_stay_under_way() {
        let mut ledger = Ledger::default();
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        ledger.enter(group().0, vec![(1, 0, vec![1].into())], now);
        ledger.enter(group().0, vec![(2, 0, vec![2].into())], now + second);
        assert_eq!(ledger.give_up(now + second, second).len(), 1);
        assert_eq!(ledger.waits_since(), Some(now + second));
        assert_eq!(ledger.unspooled().count(), 2);
        ledger.all_spooled();
        let settled = ledger.settle(1).unwrap();
        assert!(settled.spooled && settled.group.is_none());
    }

    #[test]
    fn records_are_found_in_the_order_of_their_numbers() {
        let mut ledger = Ledger::default();
        ledger.enter_spooled(5, 0, vec![5].into());
        ledger.enter_spooled(9, 1, vec![9].into());
        assert_eq!(ledger.after(0).unwrap().0, 5);
        assert_eq!(ledger.after(5).unwrap().0, 9);
        assert!(ledger.after(9).is_none());
    }
}
