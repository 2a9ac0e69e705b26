//! What is in log and sums, against the books of those who sent it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tiltwise_collector::{experiments::Revisions, keys::Keys};
use tiltwise_core::{
    acc::Accumulators,
    event::{LogRecord, Quarantine},
    join::Fold,
};

use crate::{
    books::{Entry, RULES, Total, Totals},
    sender::Sender,
    site::{Site, now_ms},
    visits::Name,
};

type Id = [u8; 16];

/// All counts are of events.
#[derive(Debug)]
pub struct Report {
    pub acknowledged: u64,
    pub found: u64,
    pub missing: u64,
    pub counted_twice: u64,
    /// Of batches that were sent and never acknowledged.
    pub unacknowledged_found: u64,
    /// Of batches of which one part was found and another not.
    pub torn: u64,
    pub never_sent: u64,
    pub quarantined: u64,
    pub clients: Totals,
    pub collectors: Totals,
}

/// Compares what was found of a site that nobody serves with what its senders know.
pub fn inspect<'a>(
    site: &Site,
    records: impl IntoIterator<Item = &'a LogRecord>,
    senders: &[Sender],
) -> Report {
    let keys = site.keys();
    let mut found: BTreeMap<Id, u64> = BTreeMap::new();
    let mut quarantined = 0;
    for event in records.into_iter().flat_map(|record| &record.events) {
        *found.entry(event.id).or_default() += 1;
        quarantined += u64::from(event.quarantine != Quarantine::None);
    }
    let mut expected: BTreeMap<Id, u64> = BTreeMap::new();
    let mut clients = Totals::new();
    for name in senders.iter().flat_map(|sender| &sender.acknowledged) {
        *expected.entry(id(&keys, name)).or_default() += 1;
    }
    let acknowledged = expected.values().sum();
    let (mut unacknowledged_found, mut torn) = (0, 0);
    for sender in senders {
        let mut books = sender.books.clone();
        for batch in &sender.given_up {
            let ids: Vec<Id> = batch.names.iter().map(|name| id(&keys, name)).collect();
            let is_here = |id: &Id| found.contains_key(id);
            let here = ids.iter().filter(|id| is_here(id)).count();
            unacknowledged_found += here as u64;
            torn += if here < ids.len() { here as u64 } else { 0 };
            let entries: Vec<Entry> = batch
                .entries
                .iter()
                .zip(&batch.proofs)
                .filter(|(_, proof)| is_here(&ids[**proof]))
                .map(|(entry, _)| entry.clone())
                .collect();
            books.enter(&entries);
            for id in ids.into_iter().filter(is_here) {
                *expected.entry(id).or_default() += 1;
            }
        }
        books.add_to(&mut clients);
    }
    let missing = expected
        .iter()
        .map(|(id, n)| n.saturating_sub(found.get(id).copied().unwrap_or(0)))
        .sum();
    let times = |id: &Id| expected.get(id).copied();
    let counted_twice = found
        .iter()
        .filter_map(|(id, n)| Some(n.saturating_sub(times(id)?)))
        .sum();
    let never_sent = found.iter().filter(|(id, _)| times(id).is_none()).count() as u64;
    Report {
        acknowledged,
        found: found.values().sum(),
        missing,
        counted_twice,
        unacknowledged_found,
        torn,
        never_sent,
        quarantined,
        clients,
        collectors: totals(&site.checkpoint().fold),
    }
}

/// Folds records from nothing, as the trainer of this site would.
pub fn fold<'a>(site: &Site, records: impl IntoIterator<Item = &'a LogRecord>) -> Fold {
    let mut fold = Fold::new(*site.checkpoint().fold.params());
    for (id, revision) in Revisions::open(&site.data().join("revisions")).unwrap().all() {
        fold.add_revision(id, (*revision).clone());
    }
    for record in records {
        fold.apply(record.clone());
    }
    fold
}

/// The canonical bytes of all sums at the fold's clock.
pub fn sums(fold: &mut Fold) -> Vec<Vec<u8>> {
    fold.roll_up();
    fold.sums().values().map(Accumulators::encode).collect()
}

/// How many units saw each arm and what they were worth, by the optimised metric.
fn totals(fold: &Fold) -> Totals {
    let mut totals = Totals::new();
    for (id, sums) in fold.sums() {
        let key = &fold.revisions()[id].key;
        let inference = &sums.inference;
        for (_, bucket) in inference.buckets() {
            for cell in [0, 1] {
                for arm in 0..inference.arms() {
                    let sums = &bucket.arms[inference.place(0, cell, arm)];
                    let total: &mut Total = totals.entry((key.clone(), arm as u32)).or_default();
                    total.n += sums.n;
                    total.sum_r_micros += sums.sum_r;
                }
            }
        }
    }
    totals
}

fn id(keys: &Keys, name: &Name) -> Id {
    let pseudonyms = &keys.pseudonyms;
    match name {
        Name::Place(session, sequence, index) => pseudonyms.batch_id(session, *sequence).event(*index),
        Name::Own(visitor, event, own) => {
            let unit = pseudonyms.visitor(visitor, now_ms()).unwrap();
            pseudonyms.event_id(&[b"named", &unit.0, event.as_bytes(), own.as_bytes()])
        }
    }
}

impl Report {
    pub fn json(&self) -> Value {
        let arms: BTreeSet<_> = self.clients.keys().chain(self.collectors.keys()).collect();
        let arms: Vec<Value> = arms
            .into_iter()
            .map(|arm| {
                let of = |totals: &Totals| {
                    let total = totals.get(arm).copied().unwrap_or_default();
                    json!({ "n": total.n, "sum_r_micros": total.sum_r_micros })
                };
                let (client, collector) = (of(&self.clients), of(&self.collectors));
                json!({ "experiment": arm.0, "arm": arm.1, "client": client, "collector": collector })
            })
            .collect();
        json!({
            "acknowledged": self.acknowledged,
            "found": self.found,
            "missing": self.missing,
            "counted_twice": self.counted_twice,
            "unacknowledged_found": self.unacknowledged_found,
            "torn_batches": self.torn,
            "never_sent": self.never_sent,
            "quarantined": self.quarantined,
            "counted_too_much": self.too_much(),
            "sums_agree": self.clients == self.collectors,
            "arms": arms,
        })
    }

    /// What the sums hold beyond the clients' own: units, and rewards in whole.
    pub fn too_much(&self) -> u64 {
        let excess = |(arm, found): (&(String, u32), &Total)| {
            let sent = self.clients.get(arm).copied().unwrap_or_default();
            let rewards = (found.sum_r_micros - sent.sum_r_micros).max(0).cast_unsigned();
            (found.n - sent.n).max(0).cast_unsigned() + rewards.div_ceil(1_000_000)
        };
        self.collectors.iter().map(excess).sum()
    }

    /// Every acknowledged event is there once, whole batches only, and the sums are the clients' own.
    pub fn is_clean(&self) -> bool {
        let in_log = [self.counted_twice, self.torn];
        in_log == [0; 2]
            && self.found == self.acknowledged + self.unacknowledged_found
            && self.is_whole_in_effect()
    }

    /// The same where an event may lie in the log more than once as long as it counts once, and a batch that was never
    /// acknowledged may be there in part.
    pub fn is_whole_in_effect(&self) -> bool {
        let wrong = [self.missing, self.never_sent, self.quarantined];
        wrong == [0; 3]
            && self.clients == self.collectors
            && RULES
                .iter()
                .all(|rules| self.clients.keys().any(|(key, _)| key == rules.key))
    }
}
