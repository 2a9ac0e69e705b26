//! The state from checkpoint and log, without a thread: on start, and for `tiltwise rebuild`.

use tiltwise_core::event::LogRecord;
use tiltwise_core::join::{Fold, Params};

use super::{CheckpointError, Checkpoints, State, TICK_MS, TrainerError};
use crate::log::EventLog;

/// Read at a time.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// The newest good checkpoint, or nothing where the log is whole; and what a person should know about it.
pub fn load(
    checkpoints: &Checkpoints,
    log: &dyn EventLog,
    params: Params,
) -> Result<(State, Vec<String>), TrainerError> {
    let (found, wrong) = checkpoints.newest()?;
    let mut warnings: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let (first, end) = (log.first(), *log.end().borrow());
    let folder = || checkpoints.folder().to_owned();
    let state = match found {
        Some(state) if (first..=end).contains(&state.offset) => state,
        Some(state) => {
            let offset = state.offset;
            return Err(CheckpointError::Apart {
                folder: folder(),
                offset,
                first,
                end,
            }
            .into());
        }
        None if first == 0 => State {
            fold: Fold::new(params),
            offset: 0,
        },
        None => {
            return Err(CheckpointError::None {
                folder: folder(),
                first,
            }
            .into());
        }
    };
    if *state.fold.params() != params {
        warnings.push(
            "trainer.lateness, trainer.disorder or log.retention was changed. They are part of what has been counted, so \
             the old values hold until `tiltwise rebuild --write` counts anew."
                .to_owned(),
        );
    }
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    Ok((state, warnings))
}

/// Decodes the record at an offset.
pub fn decode(offset: u64, bytes: &[u8]) -> Result<LogRecord, TrainerError> {
    LogRecord::decode(bytes).map_err(|error| TrainerError::Record {
        offset,
        what: error.to_string(),
    })
}

/// Whether a record with this stamp lies in a later tick than all records so far.
pub fn ends_tick(fold: &Fold, stamp_ms: u64) -> bool {
    let mut clock = fold.clock();
    let before = clock.ms() / TICK_MS;
    clock.advance(stamp_ms);
    fold.clock().is_set() && clock.ms() / TICK_MS > before
}

/// Folds on, to the end of the log, to an offset, or over the last record of a tick, whichever comes first. `progress` is
/// told the offset now and then.
pub fn fold_on(
    state: &mut State,
    log: &dyn EventLog,
    to_offset: u64,
    to_tick: Option<u64>,
    mut progress: impl FnMut(u64),
) -> Result<(), TrainerError> {
    while state.offset < to_offset {
        let records = log.read_from(state.offset, CHUNK_BYTES)?;
        if records.is_empty() {
            break;
        }
        for record in records.iter().take_while(|record| record.offset < to_offset) {
            let decoded = decode(record.offset, record.bytes())?;
            let is_over = to_tick.is_some_and(|tick| state.fold.clock().ms() / TICK_MS >= tick);
            if is_over && ends_tick(&state.fold, decoded.clock_ms) {
                return Ok(());
            }
            state.fold.apply(decoded);
            state.offset = record.offset + 1;
        }
        progress(state.offset);
    }
    Ok(())
}
