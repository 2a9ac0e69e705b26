//! The state from checkpoint and log, without a thread: on start, and for `tiltwise rebuild`.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tiltwise_core::join::{Fold, Params};

use super::intake::{Intake, Next};
use super::{CheckpointError, Checkpoints, State, TrainerError};
use crate::log::Sources;

/// Longer than a Kafka takes to choose another leader for a partition.
const PATIENCE: Duration = Duration::from_mins(1);

/// The newest good checkpoint, or nothing where the log is whole; and what a person should know about it.
pub fn load(
    checkpoints: &Checkpoints,
    sources: &Sources,
    params: Params,
) -> Result<(State, Vec<String>), TrainerError> {
    let (found, wrong) = checkpoints.newest()?;
    let mut warnings: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let folder = || checkpoints.folder().to_owned();
    let fresh = State::of(sources, params);
    let state = match found {
        Some(state) if state.topic != fresh.topic || state.width() != fresh.width() => {
            return Err(CheckpointError::OtherLog {
                folder: folder(),
                counted: named(&state),
                log: named(&fresh),
            }
            .into());
        }
        Some(state) => {
            for (source, offset) in sources.partitions.iter().zip(state.offsets()) {
                let (first, end) = (source.first(), *source.end().borrow());
                // How far a topic goes is known only once it was reached; where it starts, too.
                let end = if state.topic.is_empty() {
                    end
                } else {
                    end.max(offset)
                };
                if !(first..=end).contains(&offset) {
                    return Err(CheckpointError::Apart {
                        folder: folder(),
                        offset,
                        first,
                        end,
                    }
                    .into());
                }
            }
            state
        }
        None => match fresh.offsets().into_iter().max() {
            None | Some(0) => fresh,
            Some(first) => {
                return Err(CheckpointError::None {
                    folder: folder(),
                    first,
                }
                .into());
            }
        },
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

/// What a state is counted from, for people.
fn named(state: &State) -> String {
    match state.partitions.len() {
        0 => "the log in the data folder".to_owned(),
        partitions => format!("{} with {partitions} partitions", state.topic),
    }
}

/// Where a replay ends: before these offsets, one a partition, and before the first record of a later tick than this.
#[derive(Debug, Clone)]
pub struct Until {
    pub offsets: Vec<u64>,
    pub tick: u64,
}

/// Folds on until there.
pub fn fold_on(state: &mut State, sources: &Sources, until: &Until) -> Result<(), TrainerError> {
    fold_on_telling(state, sources, until, &mut |_| ())
}

/// The same, and tells how far it is.
pub fn fold_on_telling(
    state: &mut State,
    sources: &Sources,
    until: &Until,
    tell: &mut dyn FnMut(&State),
) -> Result<(), TrainerError> {
    let mut intake = Intake::new(sources, state).until(&until.offsets);
    let mut moved = Instant::now();
    while !intake.is_done(state) {
        if intake.read(state)? {
            tell(state);
            moved = Instant::now();
        }
        match intake.next(state) {
            Next::Fold(place) => intake.fold(place, state),
            Next::EndsTick => {
                intake.end_tick(state);
                if intake.tick() > until.tick {
                    break;
                }
            }
            Next::Waits if moved.elapsed() > PATIENCE => {
                let what = "the log gives no more records, although it is not at its end";
                return Err(TrainerError::Stopped(what.to_owned()));
            }
            // What comes over a network comes when it comes.
            Next::Waits => thread::sleep(Duration::from_millis(1)),
        }
    }
    state.gather();
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
