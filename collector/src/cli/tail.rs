//! `tiltwise tail`: prints the log as JSON lines.

use std::{
    io::{self, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{Failure, Settings, status::Admin};
use crate::{
    config::Config,
    log::{EmbeddedLog, EventLog, LogClock, Options, lines},
};

/// How often a follower looks for more: below what a person notices.
const LOOK: Duration = Duration::from_millis(200);

/// Read at a time; a collector sends no less of text while it has more.
const CHUNK_BYTES: usize = 128 << 10;

/// Print what is in the log, an event a line, oldest first.
///
/// Asks the running collector, or reads the data folder where none runs. Events are shown as they are stored: under
/// pseudonyms, with masked draws.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise tail | jq 'select(.outcome.name == \"purchase\")'
  tiltwise tail --follow
  tiltwise tail --from 120000 | head

Exit codes: 0 done; 1 the log cannot be read.")]
pub struct Args {
    /// Start at this record [default: the oldest].
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: u64,

    /// Go on with what is written from now on, until interrupted.
    #[arg(long, short)]
    follow: bool,

    /// Print clock records too.
    #[arg(long)]
    clock: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    match ask(args, &config) {
        Err(Failure::Unwell(nobody)) if args.follow => Err(Failure::Unwell(nobody)),
        Err(Failure::Unwell(_)) => read(args, &config),
        ended => ended,
    }
}

/// From the collector that runs.
fn ask(args: &Args, config: &Config) -> Result<(), Failure> {
    let admin = Admin::of(config, None)?;
    let mut from = args.from;
    loop {
        let (text, next) = admin.log(from)?;
        for line in text.lines() {
            if !print(args, line)? {
                return Ok(());
            }
        }
        if next == from && !args.follow {
            return Ok(());
        }
        // A log at rest still writes its clock: less than a chunk is its end.
        if text.len() < CHUNK_BYTES {
            if !args.follow {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        from = next;
    }
}

/// From the folder, which nobody else has open.
fn read(args: &Args, config: &Config) -> Result<(), Failure> {
    let folder = config.log.path.join("log");
    if !folder.exists() {
        return Err(anyhow::anyhow!(
            "{}: there is no log yet. `tiltwise serve` makes it",
            folder.display()
        )
        .into());
    }
    let log = EmbeddedLog::open(&Options::at(folder), LogClock::system(), Arc::default())?;
    let end = *log.end().borrow();
    let mut from = args.from.max(log.first());
    while from < end {
        for record in log.read_from(from, CHUNK_BYTES)? {
            from = record.offset + 1;
            for line in
                lines(&record).map_err(|error| anyhow::anyhow!("record {}: {error}", record.offset))?
            {
                if !print(args, &line.to_string())? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// False when nobody reads any more, which is how `head` says that it has enough.
fn print(args: &Args, line: &str) -> io::Result<bool> {
    if !args.clock && line.contains("\"clockMs\"") {
        return Ok(true);
    }
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}
