//! A recorded log with every kind of trouble in it, and what the native core counts of it: what every other host of the core is
//! held against.
//!
//! Times are scaled down (windows of seconds, a disorder of six), so that a minute of clock holds open, closed, rolled-up and
//! dropped episodes at once. Everything follows from a seed: two programs that name the same one speak of the same log.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use tiltwise_core::event::{
    Exposure, FLAG_COMPARISON, FLAG_OVERRIDE, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine,
};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Clock, Fold, Params, TICK_MS, shard_of};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};

pub const PARAMS: Params = Params {
    lateness_ms: 2_000,
    disorder_ms: 6_000,
    dedupe_ms: 15_000,
    mark_ms: 30_000,
};
pub const BASE_MS: u64 = 1_000_000;
/// How long the log is.
pub const SPAN_MS: u64 = 60_000;
/// No unit falls into the last of them: it has clock records only.
pub const PARTITIONS: usize = 4;
const UNITS: u64 = 48;
/// A record of the quiet partition that claims to be from tomorrow.
const WRONG_STAMP_AT: u64 = 30_000;

/// A log by partition: records in the order of their offsets.
#[derive(Debug)]
pub struct Log {
    pub partitions: Vec<Vec<LogRecord>>,
}

/// Three experiments: a rate with a value beside it, a value of three arms that forgets quickly, and one without attributes.
pub fn revisions() -> BTreeMap<RevisionId, Revision> {
    let rate = Metric::rate("signup", 4_000);
    let mut value = Metric::rate("purchase", 9_000);
    value.cap_micros = 3_000_000;
    value.currency = "EUR".into();
    let mut trusted = value.clone();
    trusted.window_ms = 1_000;
    trusted.min_tier = Tier::Server;
    let all = [
        revision("hero", 2, 3, vec![rate.clone(), value], 0),
        revision("price", 3, 3, vec![trusted], 4_000),
        revision("banner", 2, 0, vec![rate], 0),
    ];
    all.into_iter()
        .map(|revision| (id_of(&revision), revision))
        .collect()
}

/// As the collector names it: the first 8 bytes, little endian, of the SHA-256 of the encoded revision.
pub fn id_of(revision: &Revision) -> RevisionId {
    let hash: [u8; 32] = Sha256::digest(revision.encode()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    RevisionId(u64::from_le_bytes(first))
}

fn revision(key: &str, arms: usize, attributes: usize, metrics: Vec<Metric>, half_life_ms: u64) -> Revision {
    Revision {
        key: key.into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: (0..arms)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: (0..attributes)
            .map(|i| Attribute {
                name: format!("a{i}"),
                kind: AttributeKind::Categorical,
                hidden: false,
            })
            .collect(),
        policy: Policy {
            kind: PolicyKind::Contextual,
            ..Policy::default()
        },
        metrics,
        half_life_ms,
        bucket_ms: 10_000,
        fine_ms: 250,
        horizon_units: 0,
    }
}

/// Splitmix64: a fixed log must not change with a library's next release.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `n`.
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }
}

impl Log {
    pub fn record(seed: u64, events: usize) -> Self {
        let mut dice = Dice::new(seed);
        let revisions: Vec<(RevisionId, Revision)> = revisions().into_iter().collect();
        let units: Vec<Pseudonym> = (0..UNITS)
            .map(|i| unit(seed ^ i))
            .filter(|unit| partition_of(unit) != PARTITIONS - 1)
            .collect();
        // By the time at which it comes to the log.
        let mut arriving: Vec<(u64, LoggedEvent)> = Vec::new();
        for _ in 0..events {
            let event = event(&mut dice, &units, &revisions);
            if dice.one_in(6) {
                // Sent again later, and received anew.
                let mut copy = event.clone();
                copy.received_ms += dice.roll(20_000);
                arriving.push((copy.received_ms + delay(&mut dice), copy));
            }
            arriving.push((event.received_ms + delay(&mut dice), event));
        }
        arriving.sort_by_key(|(at, event)| (*at, event.unit, event.id));
        let partitions = (0..PARTITIONS).map(|p| {
            let mine = arriving
                .iter()
                .filter(|(_, event)| partition_of(&event.unit) == p);
            records(mine.cloned().collect(), p == PARTITIONS - 1)
        });
        Self {
            partitions: partitions.collect(),
        }
    }

    /// The last tick that every partition has passed.
    pub fn last_tick(&self) -> u64 {
        let clocks = self.partitions.iter().map(|records| {
            let mut clock = Clock::default();
            for record in records {
                clock.advance(record.clock_ms);
            }
            clock.ms() / TICK_MS
        });
        clocks.min().unwrap_or(0).saturating_sub(1)
    }
}

/// The log counted natively, as the collector's trainer does: a fold for each partition.
#[derive(Debug)]
pub struct Native<'a> {
    log: &'a Log,
    folds: Vec<Fold>,
    next: Vec<usize>,
}

impl<'a> Native<'a> {
    pub fn new(log: &'a Log) -> Self {
        let mut fold = Fold::new(PARAMS);
        for (id, revision) in revisions() {
            fold.add_revision(id, revision);
        }
        Self {
            log,
            folds: vec![fold; log.partitions.len()],
            next: vec![0; log.partitions.len()],
        }
    }

    /// Folds all records of ticks up to this one.
    pub fn fold_through(&mut self, tick: u64) {
        for ((records, fold), next) in self
            .log
            .partitions
            .iter()
            .zip(&mut self.folds)
            .zip(&mut self.next)
        {
            while let Some(record) = records.get(*next) {
                let mut clock = fold.clock();
                clock.advance(record.clock_ms);
                if clock.ms() / TICK_MS > tick {
                    break;
                }
                fold.apply(record.clone());
                *next += 1;
            }
        }
    }

    /// The canonical bytes of every revision's sums, in the widths of the clock at the end of the tick that was folded last;
    /// empty where nothing is in them.
    pub fn sums_at_end_of(&self, tick: u64) -> BTreeMap<RevisionId, Vec<u8>> {
        let mut whole = Fold::new(PARAMS);
        self.folds.iter().for_each(|fold| whole.merge_sums(fold));
        let bytes = |id: &RevisionId| {
            let mut sums = whole.sums().get(id)?.clone();
            sums.roll_up(tick * TICK_MS + TICK_MS - 1);
            (!sums.is_zero()).then(|| sums.encode())
        };
        revisions()
            .into_keys()
            .map(|id| (id, bytes(&id).unwrap_or_default()))
            .collect()
    }

    pub fn folds(&mut self) -> &mut [Fold] {
        &mut self.folds
    }
}

pub fn partition_of(unit: &Pseudonym) -> usize {
    shard_of(unit) % PARTITIONS
}

fn unit(of: u64) -> Pseudonym {
    let mut dice = Dice::new(of);
    Pseudonym(std::array::from_fn(|_| dice.roll(256) as u8))
}

/// How much later than it was received an event comes to the log: at times beyond the disorder that is allowed.
fn delay(dice: &mut Dice) -> u64 {
    match dice.roll(12) {
        0..8 => dice.roll(300),
        8..11 => dice.roll(PARAMS.disorder_ms),
        _ => dice.roll(2 * PARAMS.disorder_ms),
    }
}

/// What arrives within a twentieth of a second is one record, and where nothing does for two of those there is a clock record.
fn records(arriving: Vec<(u64, LoggedEvent)>, with_a_wrong_stamp: bool) -> Vec<LogRecord> {
    const STEP_MS: u64 = 50;
    let end = BASE_MS + SPAN_MS + 3 * PARAMS.disorder_ms;
    let mut arriving = arriving.into_iter().peekable();
    let mut records = Vec::new();
    let mut quiet = 0;
    let mut clock_ms = BASE_MS;
    while clock_ms <= end {
        let mut events = Vec::new();
        while let Some((_, event)) = arriving.next_if(|(at, _)| *at <= clock_ms) {
            events.push(event);
        }
        quiet = if events.is_empty() { quiet + 1 } else { 0 };
        let tomorrow = with_a_wrong_stamp && clock_ms == BASE_MS + WRONG_STAMP_AT;
        if quiet % 2 == 0 || tomorrow {
            let clock_ms = if tomorrow { clock_ms + 86_400_000 } else { clock_ms };
            records.push(LogRecord { clock_ms, events });
        }
        clock_ms += STEP_MS;
    }
    records
}

fn event(dice: &mut Dice, units: &[Pseudonym], revisions: &[(RevisionId, Revision)]) -> LoggedEvent {
    let received = dice.roll(SPAN_MS);
    let late = if dice.one_in(5) {
        dice.roll(12_000)
    } else {
        dice.roll(2_000)
    };
    let received_ms = BASE_MS + received;
    let (id, fact) = match dice.roll(103) {
        0..40 => (dice.roll(256), exposure(dice, revisions)),
        // Few ids: most outcomes have copies.
        40..100 => (dice.roll(12), outcome(dice)),
        _ => (dice.roll(256), Fact::Erasure),
    };
    LoggedEvent {
        id: [id as u8; 16],
        unit: units[dice.roll(units.len() as u64) as usize],
        received_ms,
        at_ms: received_ms - late.min(received),
        tier: if dice.one_in(2) { Tier::Page } else { Tier::Server },
        quarantine: if dice.one_in(20) {
            Quarantine::Disagrees
        } else {
            Quarantine::None
        },
        fact,
    }
}

fn outcome(dice: &mut Dice) -> Fact {
    let name = ["signup", "purchase", "refund"][dice.roll(3) as usize];
    let currency = if dice.one_in(10) { "USD" } else { "EUR" };
    Fact::Outcome(LoggedOutcome {
        name: name.into(),
        value_micros: dice.roll(2_500_000).cast_signed(),
        currency: currency.into(),
    })
}

fn exposure(dice: &mut Dice, revisions: &[(RevisionId, Revision)]) -> Fact {
    let (mut id, revision) = revisions[dice.roll(revisions.len() as u64) as usize].clone();
    if dice.one_in(40) {
        // Of a revision that nobody knows.
        id = RevisionId(7);
    }
    let arms = revision.arms();
    let p = 1 + dice.roll(u64::from(ONE_Q30) / 2 - 1) as u32;
    let mut propensities_q30 = vec![p / (arms as u32 - 1); arms - 1];
    propensities_q30.push(ONE_Q30 - propensities_q30.iter().sum::<u32>());
    let slots: BTreeMap<u32, i32> = (0..dice.roll(revision.attributes.len() as u64 + 1))
        .map(|_| {
            (
                1 + dice.roll(9) as u32,
                if dice.one_in(4) {
                    dice.roll(1_800) as i32 - 900
                } else {
                    1_024
                },
            )
        })
        .collect();
    let predicts = dice.one_in(2);
    let flags = match dice.roll(26) {
        0..20 => 0,
        20..25 => FLAG_COMPARISON,
        _ => FLAG_OVERRIDE,
    };
    Fact::Exposure(Exposure {
        revision: id,
        model: 1,
        episode: dice.roll(4),
        arm: dice.roll(arms as u64) as u32,
        draw: 0,
        slots: slots.keys().copied().collect(),
        values_q10: if slots.values().all(|&v| v == 1_024) {
            Vec::new()
        } else {
            slots.values().copied().collect()
        },
        propensities_q30,
        predictions_micros: if predicts { vec![123_456; arms] } else { Vec::new() },
        variances_micros: if predicts { vec![98_765; arms] } else { Vec::new() },
        flags,
        unit_kind: UnitKind::Visitor,
    })
}
