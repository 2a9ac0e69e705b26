//! Reads every partition of a log, tick by tick.
//!
//! A tick is over when every partition has shown a record of a later one; clock records make sure that each soon does. So
//! what was folded when a tick ends is the sum over all records up to that tick, and nothing else, however far ahead one
//! partition could be read. A log in one piece is the case of a single partition.

use std::collections::VecDeque;
use std::sync::Arc;

use tiltwise_core::event::{Exposure, Fact, LogRecord};
use tiltwise_core::join::Fold;

use super::{State, TICK_MS, TrainerError};
use crate::log::{Record, Source, Sources};

/// Read at a time, from one partition.
const CHUNK_BYTES: usize = 1 << 20;

pub(super) struct Intake {
    sources: Vec<Reading>,
    /// The tick that is being folded.
    tick: u64,
    met_unknown: bool,
}

struct Reading {
    log: Arc<dyn Source>,
    /// Read and not yet folded.
    ahead: VecDeque<Ahead>,
    /// Not to be read from here on.
    until: u64,
}

struct Ahead {
    offset: u64,
    record: LogRecord,
}

/// What there is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This partition's next record is of the tick that is being folded.
    Fold(usize),
    /// Every partition has passed the tick.
    EndsTick,
    /// Some partition has shown nothing further yet.
    Waits,
}

impl Intake {
    pub(super) fn new(sources: &Sources, state: &State) -> Self {
        let sources = sources.partitions.iter().map(|log| Reading {
            log: log.clone(),
            ahead: VecDeque::new(),
            until: u64::MAX,
        });
        Self {
            sources: sources.collect(),
            tick: state.folds().map(tick_of).max().unwrap_or(0),
            met_unknown: false,
        }
    }

    /// Never reads these offsets, one a partition, or what follows them.
    pub(super) fn until(mut self, offsets: &[u64]) -> Self {
        for (source, until) in self.sources.iter_mut().zip(offsets) {
            source.until = *until;
        }
        self
    }

    /// Whether every partition was read up to where it may be.
    pub(super) fn is_done(&self, state: &State) -> bool {
        (0..)
            .zip(&self.sources)
            .all(|(place, source)| state.part(place).1 >= source.until)
    }

    /// Reads ahead where nothing is. Says whether anything was read.
    pub(super) fn read(&mut self, state: &State) -> Result<bool, TrainerError> {
        let width = self.sources.len();
        let mut any = false;
        for (place, source) in (0..).zip(&mut self.sources) {
            let from = state.part(place).1;
            if !source.ahead.is_empty() || *source.log.end().borrow() <= from || from >= source.until {
                continue;
            }
            for record in source.log.read_from(from, CHUNK_BYTES)? {
                if record.offset >= source.until {
                    break;
                }
                let offset = record.offset;
                let record = decode(&record, place, width)?;
                let known = state.part(place).0.revisions();
                self.met_unknown |=
                    exposures(&record).any(|exposure| !known.contains_key(&exposure.revision));
                source.ahead.push_back(Ahead { offset, record });
                any = true;
            }
        }
        Ok(any)
    }

    pub(super) fn next(&self, state: &State) -> Next {
        let mut waits = false;
        for (place, source) in (0..).zip(&self.sources) {
            match source.ahead.front() {
                Some(ahead) if tick_with(state.part(place).0, ahead.record.clock_ms) <= self.tick => {
                    return Next::Fold(place);
                }
                Some(_) => {}
                // A partition that may not be read further holds nobody up.
                None => waits |= state.part(place).1 < source.until,
            }
        }
        let nothing = self.sources.iter().all(|source| source.ahead.is_empty());
        if waits || nothing {
            Next::Waits
        } else {
            Next::EndsTick
        }
    }

    /// Whether something that was read names a revision that was not known then, since the last time that this was asked.
    pub(super) fn met_unknown(&mut self) -> bool {
        std::mem::take(&mut self.met_unknown)
    }

    /// The versions that the next record of a partition names.
    pub(super) fn named(&self, place: usize) -> impl Iterator<Item = u64> {
        let ahead = self.sources.get(place).and_then(|source| source.ahead.front());
        ahead
            .into_iter()
            .flat_map(|ahead| exposures(&ahead.record))
            .map(|exposure| exposure.model)
    }

    /// Whether the next record of a partition erases a unit.
    pub(super) fn erases(&self, place: usize) -> bool {
        let ahead = self.sources.get(place).and_then(|source| source.ahead.front());
        ahead.is_some_and(|ahead| {
            let mut events = ahead.record.events.iter();
            events.any(|event| event.fact == Fact::Erasure)
        })
    }

    /// Folds the next record of a partition.
    pub(super) fn fold(&mut self, place: usize, state: &mut State) {
        let Some(ahead) = self
            .sources
            .get_mut(place)
            .and_then(|source| source.ahead.pop_front())
        else {
            return;
        };
        let (fold, offset) = state.part_mut(place);
        fold.apply(ahead.record);
        *offset = ahead.offset + 1;
    }

    /// Goes on to the first tick that has a record.
    pub(super) fn end_tick(&mut self, state: &State) {
        let ticks = (0..).zip(&self.sources).filter_map(|(place, source)| {
            let ahead = source.ahead.front()?;
            Some(tick_with(state.part(place).0, ahead.record.clock_ms))
        });
        self.tick = ticks.min().unwrap_or(self.tick).max(self.tick);
    }

    pub(super) fn tick(&self) -> u64 {
        self.tick
    }
}

fn exposures(record: &LogRecord) -> impl Iterator<Item = &Exposure> {
    record.events.iter().filter_map(|event| match &event.fact {
        Fact::Exposure(exposure) => Some(exposure),
        _ => None,
    })
}

fn tick_of(fold: &Fold) -> u64 {
    fold.clock().ms() / TICK_MS
}

/// The tick of a record with this stamp.
fn tick_with(fold: &Fold, stamp_ms: u64) -> u64 {
    let mut clock = fold.clock();
    clock.advance(stamp_ms);
    clock.ms() / TICK_MS
}

fn decode(record: &Record, partition: usize, width: usize) -> Result<LogRecord, TrainerError> {
    LogRecord::decode(record.bytes()).map_err(|error| {
        let (offset, what) = (record.offset, error.to_string());
        if width == 1 {
            TrainerError::Record { offset, what }
        } else {
            TrainerError::Foreign {
                partition,
                offset,
                what,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tiltwise_core::join::Params;
    use tokio::sync::watch;

    use super::*;
    use crate::log::LogError;

    /// A partition as a test fills it: clock records with these stamps.
    struct Stamps(Mutex<Vec<u64>>);

    impl Source for Stamps {
        fn end(&self) -> watch::Receiver<u64> {
            watch::Sender::new(self.0.lock().unwrap().len() as u64).subscribe()
        }

        fn first(&self) -> u64 {
            0
        }

        fn read_from(&self, offset: u64, _max_bytes: usize) -> Result<Vec<Record>, LogError> {
            let stamps = self.0.lock().unwrap();
            let records = stamps.iter().enumerate().skip(offset as usize);
            Ok(records
                .map(|(at, stamp)| {
                    let record = LogRecord {
                        clock_ms: *stamp,
                        events: Vec::new(),
                    };
                    Record::plain(at as u64, record.encode())
                })
                .collect())
        }

        fn trim_below(&self, _offset: u64) {}

        fn bytes(&self) -> u64 {
            0
        }
    }

    fn of(partitions: Vec<Arc<dyn Source>>) -> Sources {
        Sources {
            topic: "t".to_owned(),
            partitions,
        }
    }

    /// Folds what can be folded. Returns the clocks of the partitions at the end of each tick.
    fn run(intake: &mut Intake, state: &mut State) -> Vec<Vec<u64>> {
        let mut ends = Vec::new();
        loop {
            let read = intake.read(state).unwrap();
            match intake.next(state) {
                Next::Fold(place) => intake.fold(place, state),
                Next::EndsTick => {
                    ends.push(state.folds().map(|fold| fold.clock().ms()).collect());
                    intake.end_tick(state);
                }
                Next::Waits if read => {}
                Next::Waits => return ends,
            }
        }
    }

    #[test]
    fn a_tick_ends_when_every_partition_has_passed_it_and_nothing_later_was_folded_by_then() {
        let sources: Vec<Arc<Stamps>> = [vec![1_000, 1_090, 1_250, 1_400], vec![1_050, 1_120]]
            .into_iter()
            .map(|stamps| Arc::new(Stamps(Mutex::new(stamps))))
            .collect();
        let as_dyn = |source: &Arc<Stamps>| source.clone() as Arc<dyn Source>;
        let mut state = State::partitioned(Params::default(), "t".to_owned(), [0, 0]);
        let mut intake = Intake::new(&of(sources.iter().map(as_dyn).collect()), &state);
        // The first end is that of nothing, before anything was folded.
        assert_eq!(run(&mut intake, &mut state), [[0, 0], [1_090, 1_050]]);
        assert_eq!(
            state.offsets(),
            [2, 2],
            "the second partition may still have more of this tick"
        );
        sources[1].0.lock().unwrap().push(1_450);
        assert_eq!(run(&mut intake, &mut state), [[1_090, 1_120], [1_250, 1_120]]);
        assert_eq!(state.offsets(), [4, 3], "both are in the tick of 1400 to 1499");
    }

    #[test]
    fn a_partition_that_was_read_to_its_end_holds_nobody_up() {
        let stamps = |stamps: &[u64]| Arc::new(Stamps(Mutex::new(stamps.to_vec()))) as Arc<dyn Source>;
        let mut state = State::partitioned(Params::default(), "t".to_owned(), [0, 0]);
        let mut intake =
            Intake::new(&of(vec![stamps(&[1_000, 2_000]), stamps(&[1_000])]), &state).until(&[2, 1]);
        run(&mut intake, &mut state);
        assert!(intake.is_done(&state));
    }
}
