//! The fold through the plain wasm module, in the way of a host with operators, against the fold that the collector runs.
//!
//! Property: one log, folded by several instances that each hold some shards, whose units' state is bytes between any two
//! calls, whose differences are taken at any time, and which are thrown away now and then, has at every tick that is compared
//! the sums of the native fold, to the byte; and leaves the same state of every unit. Nothing smaller would do: a difference
//! that is taken under the wrong tick, or that a thrown-away instance still held, shows in no single call.

use std::collections::BTreeMap;

use prost::Message;
use tiltwise_core::id::RevisionId;
use tiltwise_core::join::{SHARDS, TICK_MS};
use tiltwise_tests::river::{Dice, Log, Native, PARAMS, revisions};
use tiltwise_tests::{module, proto};
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

const UNKNOWN_REVISION: u32 = 22;

/// An instance of the module, with its fold opened.
struct Core {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Core {
    fn load(module: &Module) -> Self {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let mut core = Self {
            store,
            instance,
            memory,
        };
        let settings = proto::FoldSettings {
            wire: 1,
            lateness_ms: PARAMS.lateness_ms,
            disorder_ms: PARAMS.disorder_ms,
            dedupe_ms: PARAMS.dedupe_ms,
            mark_ms: PARAMS.mark_ms,
            ..proto::FoldSettings::default()
        };
        assert_eq!(core.call("open_fold_v1", &settings.encode_to_vec()), 0);
        for (id, revision) in revisions() {
            assert_eq!(core.call_with("add_revision_v1", &revision.encode(), id.0), 0);
        }
        core
    }

    fn call(&mut self, export: &str, bytes: &[u8]) -> u32 {
        let call: TypedFunc<(u32, u32), u32> = self.instance.get_typed_func(&mut self.store, export).unwrap();
        let (at, len) = self.put(bytes);
        let code = call.call(&mut self.store, (at, len)).unwrap();
        self.give_back(at, len);
        code
    }

    fn call_with(&mut self, export: &str, bytes: &[u8], number: u64) -> u32 {
        let call: TypedFunc<(u32, u32, u64), u32> =
            self.instance.get_typed_func(&mut self.store, export).unwrap();
        let (at, len) = self.put(bytes);
        let code = call.call(&mut self.store, (at, len, number)).unwrap();
        self.give_back(at, len);
        code
    }

    fn take(&mut self, through_tick: u64) -> proto::Differences {
        let call: TypedFunc<u64, u32> = self.instance.get_typed_func(&mut self.store, "take_v1").unwrap();
        assert_eq!(call.call(&mut self.store, through_tick).unwrap(), 0);
        proto::Differences::decode(&self.answer()[..]).unwrap()
    }

    fn answer(&mut self) -> Vec<u8> {
        let at = self.number("answer_v1");
        let mut bytes = vec![0; self.number("answer_len_v1") as usize];
        self.memory.read(&self.store, at as usize, &mut bytes).unwrap();
        bytes
    }

    fn number(&mut self, export: &str) -> u32 {
        let call: TypedFunc<(), u32> = self.instance.get_typed_func(&mut self.store, export).unwrap();
        call.call(&mut self.store, ()).unwrap()
    }

    fn put(&mut self, bytes: &[u8]) -> (u32, u32) {
        let alloc: TypedFunc<u32, u32> = self.instance.get_typed_func(&mut self.store, "alloc_v1").unwrap();
        let len = u32::try_from(bytes.len()).unwrap();
        let at = alloc.call(&mut self.store, len).unwrap();
        self.memory.write(&mut self.store, at as usize, bytes).unwrap();
        (at, len)
    }

    fn give_back(&mut self, at: u32, len: u32) {
        let dealloc: TypedFunc<(u32, u32), ()> = self
            .instance
            .get_typed_func(&mut self.store, "dealloc_v1")
            .unwrap();
        dealloc.call(&mut self.store, (at, len)).unwrap();
    }
}

/// What a job of several operators keeps.
struct Job<'a> {
    module: &'a Module,
    dice: Dice,
    /// Each folds the shards that are its place modulo their number.
    folding: Vec<Core>,
    merging: Core,
    clocks: Vec<u64>,
    next: Vec<usize>,
    /// By shard and unit: the state, and the clock after which it wants to be trimmed.
    units: BTreeMap<(u32, Vec<u8>), (Vec<u8>, u64)>,
    /// Taken and not yet merged.
    differences: BTreeMap<u64, Vec<(RevisionId, Vec<u8>)>>,
    totals: BTreeMap<RevisionId, Vec<u8>>,
}

impl Job<'_> {
    fn tick_of(&self, partition: usize) -> u64 {
        self.clocks[partition] / TICK_MS
    }

    /// Reads until every partition has passed the tick; some are read further than others.
    fn read_past(&mut self, log: &Log, tick: u64) {
        loop {
            let behind: Vec<usize> = (0..log.partitions.len())
                .filter(|&p| self.tick_of(p) <= tick)
                .collect();
            if behind.is_empty() {
                return;
            }
            // Whoever is behind must move; now and then another one does too.
            let any = self.dice.roll(log.partitions.len() as u64) as usize;
            let partition = if self.dice.roll(4) == 0 {
                any
            } else {
                behind[any % behind.len()]
            };
            self.read_one(log, partition);
            match self.dice.roll(60) {
                0 => self.replace_an_instance(),
                1 => self.trim_what_rests(),
                _ => {}
            }
        }
    }

    fn read_one(&mut self, log: &Log, partition: usize) {
        let Some(record) = log.partitions[partition].get(self.next[partition]) else {
            return;
        };
        self.next[partition] += 1;
        let reader = &mut self.merging;
        assert_eq!(
            reader.call_with("explode_v1", &record.encode(), self.clocks[partition]),
            0
        );
        let exploded = proto::Exploded::decode(&reader.answer()[..]).unwrap();
        self.clocks[partition] = exploded.clock_ms;
        for events in exploded.units {
            assert_eq!(events.shard as usize % log.partitions.len(), partition);
            let key = (events.shard, events.unit.clone());
            self.fold(key, exploded.clock_ms, Some(events));
        }
    }

    fn fold(&mut self, key: (u32, Vec<u8>), clock_ms: u64, events: Option<proto::UnitEvents>) {
        let place = key.0 as usize % self.folding.len();
        let core = &mut self.folding[place];
        let mut request = proto::FoldRequest {
            wire: 1,
            clock_ms,
            state: self
                .units
                .get(&key)
                .map(|(state, _)| state.clone())
                .unwrap_or_default(),
            events,
            accepts_unknown: false,
        };
        let mut code = core.call("fold_v1", &request.encode_to_vec());
        if code == UNKNOWN_REVISION {
            request.accepts_unknown = true;
            code = core.call("fold_v1", &request.encode_to_vec());
        }
        assert_eq!(code, 0);
        let answer = proto::FoldAnswer::decode(&core.answer()[..]).unwrap();
        if answer.state.is_empty() {
            self.units.remove(&key);
        } else {
            self.units.insert(key, (answer.state, answer.rests_after_ms));
        }
    }

    /// Takes everything of an instance and goes on with a new one, as a job does that is restored.
    fn replace_an_instance(&mut self) {
        let place = self.dice.roll(self.folding.len() as u64) as usize;
        self.take(place, u64::MAX);
        self.folding[place] = Core::load(self.module);
    }

    /// By the clock that all partitions have reached.
    fn trim_what_rests(&mut self) {
        let clock_ms = self.clocks.iter().copied().min().unwrap();
        let rest = |(_, after): &(Vec<u8>, u64)| *after > 0 && *after < clock_ms;
        let keys: Vec<_> = self
            .units
            .iter()
            .filter(|(_, unit)| rest(unit))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.fold(key.clone(), clock_ms, None);
            assert!(
                self.units.get(&key).is_none_or(|unit| !rest(unit)),
                "once is enough"
            );
        }
    }

    fn take(&mut self, place: usize, through_tick: u64) {
        for difference in self.folding[place].take(through_tick).differences {
            self.differences.entry(difference.tick).or_default().push((
                RevisionId(difference.revision),
                difference.sums.unwrap().encode_to_vec(),
            ));
        }
    }

    /// The sums of every revision at the end of a tick, which all partitions have passed.
    fn sums_at_end_of(&mut self, tick: u64) -> BTreeMap<RevisionId, Vec<u8>> {
        for place in 0..self.folding.len() {
            self.take(place, tick);
        }
        let later = self.differences.split_off(&(tick + 1));
        for (id, bytes) in std::mem::replace(&mut self.differences, later)
            .into_values()
            .flatten()
        {
            let mut sums = vec![proto::Accumulators::decode(&bytes[..]).unwrap()];
            if let Some(total) = self.totals.get(&id) {
                sums.insert(0, proto::Accumulators::decode(&total[..]).unwrap());
            }
            let request = proto::MergeRequest { wire: 1, sums };
            assert_eq!(self.merging.call("merge_v1", &request.encode_to_vec()), 0);
            self.totals.insert(id, self.merging.answer());
        }
        let end_ms = tick * TICK_MS + TICK_MS - 1;
        let mut all: BTreeMap<RevisionId, Vec<u8>> =
            revisions().into_keys().map(|id| (id, Vec::new())).collect();
        for (id, total) in &self.totals {
            assert_eq!(self.merging.call_with("roll_up_v1", total, end_ms), 0);
            all.insert(*id, self.merging.answer());
        }
        all
    }

    /// The state of every shard at its partition's clock, as a shard of all its units is written: what stands before the units is in each of them.
    fn shards(&mut self) -> Vec<Vec<u8>> {
        const HEAD: usize = 7;
        let keys: Vec<_> = self.units.keys().cloned().collect();
        for key in keys {
            let clock_ms = self.clocks[key.0 as usize % self.clocks.len()];
            self.fold(key, clock_ms, None);
        }
        let mut shards = vec![Vec::new(); SHARDS];
        for ((shard, _), (state, _)) in &self.units {
            let bytes: &mut Vec<u8> = &mut shards[*shard as usize];
            let from = if bytes.is_empty() { 0 } else { HEAD };
            bytes.extend_from_slice(&state[from..]);
        }
        shards
    }
}

fn job(module: &Module, seed: u64) -> Job<'_> {
    let partitions = tiltwise_tests::river::PARTITIONS;
    Job {
        module,
        dice: Dice::new(seed),
        folding: (0..3).map(|_| Core::load(module)).collect(),
        merging: Core::load(module),
        clocks: vec![0; partitions],
        next: vec![0; partitions],
        units: BTreeMap::new(),
        differences: BTreeMap::new(),
        totals: BTreeMap::new(),
    }
}

fn compiled() -> Module {
    Module::new(&Engine::default(), module::abi()).unwrap()
}

#[test]
fn shards_ticks_and_thrown_away_instances_show_in_no_sum_and_in_no_state() {
    let module = compiled();
    for seed in 1..=2 {
        let log = Log::record(seed, 2_500);
        let (mut job, mut native) = (job(&module, seed), Native::new(&log));
        let (first, last) = (tiltwise_tests::river::BASE_MS / TICK_MS, log.last_tick());
        for tick in (first..=last).filter(|tick| tick % 40 == 7 || *tick == last) {
            job.read_past(&log, tick);
            native.fold_through(tick);
            assert_eq!(
                job.sums_at_end_of(tick),
                native.sums_at_end_of(tick),
                "seed {seed}, tick {tick}"
            );
        }
        assert!(
            native
                .sums_at_end_of(last)
                .values()
                .all(|bytes| bytes.len() > 500),
            "a log that says something"
        );
    }
}

#[test]
fn the_state_of_every_unit_is_that_of_the_native_shards() {
    let module = compiled();
    let log = Log::record(9, 2_500);
    let (mut job, mut native) = (job(&module, 9), Native::new(&log));
    for partition in 0..log.partitions.len() {
        for _ in 0..log.partitions[partition].len() {
            job.read_one(&log, partition);
        }
    }
    native.fold_through(u64::MAX);
    let mut theirs = vec![Vec::new(); SHARDS];
    for fold in native.folds() {
        fold.trim();
        for (place, shard) in fold.shards().enumerate().filter(|(_, shard)| !shard.is_empty()) {
            theirs[place] = shard.encode();
        }
    }
    assert!(
        theirs.iter().any(|shard| shard.len() > 500),
        "a log that leaves something"
    );
    assert_eq!(job.shards(), theirs);
}

#[test]
fn a_revision_that_is_not_known_changes_nothing_until_it_is_accepted_as_such() {
    let module = compiled();
    let mut core = Core::load(&module);
    let log = Log::record(1, 2_500);
    let mut seen = 0;
    for record in log.partitions.iter().flatten() {
        assert_eq!(core.call_with("explode_v1", &record.encode(), 0), 0);
        let exploded = proto::Exploded::decode(&core.answer()[..]).unwrap();
        for events in exploded.units {
            let mut request = proto::FoldRequest {
                wire: 1,
                clock_ms: exploded.clock_ms,
                events: Some(events),
                ..proto::FoldRequest::default()
            };
            if core.call("fold_v1", &request.encode_to_vec()) != UNKNOWN_REVISION {
                core.take(u64::MAX);
                continue;
            }
            seen += 1;
            assert!(core.take(u64::MAX).differences.is_empty());
            request.accepts_unknown = true;
            assert_eq!(core.call("fold_v1", &request.encode_to_vec()), 0);
            let answer = proto::FoldAnswer::decode(&core.answer()[..]).unwrap();
            assert!(
                answer
                    .counts
                    .iter()
                    .any(|count| count.verdict == 6 && count.count > 0)
            );
            core.take(u64::MAX);
        }
    }
    assert!(seen > 0);
}
