//! The state from checkpoint and log, without a thread: on start, and for `tiltwise rebuild`.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
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

/// Where a replay ends: before this offset, and before the first record of a later tick than this.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    pub offset: u64,
    pub tick: u64,
}

/// Folds on until there.
pub fn fold_on(state: &mut State, log: &dyn EventLog, until: Until) -> Result<(), TrainerError> {
    while state.offset < until.offset {
        let records = log.read_from(state.offset, CHUNK_BYTES)?;
        if records.is_empty() {
            break;
        }
        for record in records.iter().take_while(|record| record.offset < until.offset) {
            let decoded = decode(record.offset, record.bytes())?;
            let mut clock = state.fold.clock();
            clock.advance(decoded.clock_ms);
            if clock.ms() / TICK_MS > until.tick {
                return Ok(());
            }
            state.fold.apply(decoded);
            state.offset = record.offset + 1;
        }
    }
    Ok(())
}

/// What was counted for one revision, in a form that two people can compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    pub experiment: String,
    /// In hexadecimal.
    pub revision: String,
    pub units: i64,
    /// SHA-256 of the canonical bytes of all its sums.
    pub sums: String,
}

/// The digests of all sums at the state's clock, by experiment and revision.
pub fn digests(fold: &mut Fold) -> Vec<Digest> {
    fold.roll_up();
    let mut digests: Vec<Digest> = fold
        .sums()
        .iter()
        .filter_map(|(id, sums)| {
            let arms = sums.inference.arms();
            let units = sums
                .inference
                .buckets()
                .flat_map(|(_, bucket)| bucket.arms.iter().take(2 * arms));
            Some(Digest {
                experiment: fold.revisions().get(id)?.key.clone(),
                revision: format!("{:016x}", id.0),
                units: units.map(|arm| arm.n).sum(),
                sums: hex::encode(Sha256::digest(sums.encode())),
            })
        })
        .collect();
    digests.sort_by(|a, b| (&a.experiment, &a.revision).cmp(&(&b.experiment, &b.revision)));
    digests
}
