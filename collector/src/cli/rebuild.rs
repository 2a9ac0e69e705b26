//! `tiltwise rebuild`: counts the log again, and says whether it comes to the same.

use anyhow::Context;
use serde_json::json;

use super::serve::{read_log, trainer_options};
use super::{Failure, Settings};
use crate::config::Config;
use crate::experiments::Revisions;
use crate::log::Sources;
use crate::trainer::replay::{self, Digest, Until};
use crate::trainer::{Checkpoints, State, TICK_MS, checkpoint};

/// Count the log again, from nothing or from a checkpoint, and print a digest of what comes out.
///
/// For a collector that does not run: the log belongs to one process. Equal digests at one tick mean equal sums, to the
/// last bit, wherever and in how many goes they were counted. Without --write nothing is changed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "\
Examples:
  tiltwise rebuild                        digests at the end of the log
  tiltwise rebuild --check                is the newest checkpoint what the log says?
  tiltwise rebuild --tick 17640000000     digests at the end of a named tick (100 ms each since 1970)
  tiltwise rebuild --write                the next start goes on from what was counted now

Exit codes: 0 done; 1 it cannot be counted, or --check found a difference.")]
pub struct Args {
    /// Start from the oldest kept checkpoint instead of from nothing: quick, and all that is possible once the log was
    /// trimmed.
    #[arg(long)]
    from_checkpoint: bool,

    /// Stop at the end of this tick.
    #[arg(long, value_name = "TICK", conflicts_with = "check")]
    tick: Option<u64>,

    /// Count to where the newest checkpoint stands, and compare.
    #[arg(long, conflicts_with = "write")]
    check: bool,

    /// Replace the checkpoints by what was counted; changed settings of the trainer take effect by this.
    #[arg(long, conflicts_with = "tick")]
    write: bool,

    /// Count what the log still holds, although its beginning was trimmed.
    #[arg(long, conflicts_with = "from_checkpoint")]
    accept_loss: bool,

    /// Print JSON: {\"offset\": …, \"tick\": …, \"digests\": [{\"experiment\", \"revision\", \"units\", \"sums\"}]}.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let log = read_log(&config)?;
    let checkpoints = Checkpoints::open(&config.state_folder())?;
    let newest = if args.check {
        Some(newest(&checkpoints)?)
    } else {
        None
    };
    let mut state = start(args, &config, &log.sources, &checkpoints)?;
    let until = Until {
        offsets: newest.as_ref().map_or_else(|| log.sources.ends(), State::offsets),
        tick: args.tick.unwrap_or(u64::MAX),
    };
    // After the ends of the log: what is named before them was published before them.
    let revisions = Revisions::open(&config.revisions_folder())?;
    #[cfg(feature = "kafka")]
    learn(&config, &revisions)?;
    for (id, revision) in revisions.all() {
        state.add_revision(id, &revision);
    }
    replay::fold_on(&mut state, &log.sources, &until)?;
    let digests = replay::digests(&mut state.fold);
    report(args, &state, &digests);
    if let Some(mut newest) = newest {
        compare(&digests, &replay::digests(&mut newest.fold))?;
        if !args.json {
            println!("The newest checkpoint says the same.");
        }
    }
    if args.write {
        checkpoints.rewrite(&mut state)?;
    }
    log.close();
    Ok(())
}

/// Takes up what other collectors have published.
#[cfg(feature = "kafka")]
fn learn(config: &Config, revisions: &Revisions) -> Result<(), Failure> {
    use crate::{cluster, config::LogKind, log::kafka};
    if config.log.kind == LogKind::Kafka {
        let found = cluster::revisions_of(&kafka::Options::of(config), &config.site);
        for revision in found.map_err(|why| anyhow::anyhow!(why))? {
            revisions.learn(&revision)?;
        }
    }
    Ok(())
}

/// The state to count on from.
fn start(
    args: &Args,
    config: &Config,
    sources: &Sources,
    checkpoints: &Checkpoints,
) -> Result<State, Failure> {
    if args.from_checkpoint {
        let all = checkpoints.all()?;
        let oldest = all
            .first()
            .context("there is no checkpoint; count from nothing")?;
        return Ok(checkpoint::read(&oldest.path)?);
    }
    let nothing = State::of(sources, trainer_options(config).params);
    let first = nothing.offsets().into_iter().max().unwrap_or(0);
    if first > 0 && !args.accept_loss {
        return Err(anyhow::anyhow!(
            "the log begins only at record {first}, so what was counted before cannot be counted again. Use \
             --from-checkpoint, or --accept-loss to count the rest"
        )
        .into());
    }
    Ok(nothing)
}

fn newest(checkpoints: &Checkpoints) -> Result<State, Failure> {
    let (found, wrong) = checkpoints.newest()?;
    for error in wrong {
        eprintln!("{error}");
    }
    Ok(found.context("there is no checkpoint to compare with")?)
}

fn report(args: &Args, state: &State, digests: &[Digest]) {
    let tick = state.fold.clock().ms() / TICK_MS;
    if args.json {
        println!(
            "{}",
            json!({ "offset": state.offset, "tick": tick, "digests": digests })
        );
        return;
    }
    println!("counted to record {}, tick {tick}", state.offset);
    for digest in digests {
        println!(
            "{}  revision {}  {} units\n  {}",
            digest.experiment, digest.revision, digest.units, digest.sums
        );
    }
}

fn compare(counted: &[Digest], kept: &[Digest]) -> Result<(), Failure> {
    if counted == kept {
        return Ok(());
    }
    let differing: Vec<&str> = counted
        .iter()
        .filter(|digest| !kept.contains(digest))
        .chain(kept.iter().filter(|digest| !counted.contains(digest)))
        .map(|digest| digest.experiment.as_str())
        .collect();
    Err(anyhow::anyhow!(
        "the newest checkpoint differs from the log in {}. `tiltwise rebuild --write` puts what the log says in its place",
        differing.join(", ")
    )
    .into())
}
