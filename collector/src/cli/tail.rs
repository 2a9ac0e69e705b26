//! `tiltwise tail`: prints the log as JSON lines.

use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

use super::{Failure, Settings, serve::read_log, status::Admin};
use crate::{config::Config, log::lines};

/// How often a follower looks for more: below what a person notices.
const LOOK: Duration = Duration::from_millis(200);

/// Read at a time.
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
    let mut from = vec![args.from];
    loop {
        let mut partition = 0;
        // A log at rest still writes its clock: where it ended when it was first asked is its end.
        let mut goal = None;
        while let Some(&start) = from.get(partition) {
            let page = admin.log(partition, start)?;
            for line in page.text.lines() {
                if !print(args, line)? {
                    return Ok(());
                }
            }
            from.resize(page.partitions.max(from.len()), args.from);
            if let Some(place) = from.get_mut(partition) {
                *place = page.next;
            }
            if page.next >= *goal.get_or_insert(page.end) || page.next == start {
                partition += 1;
                goal = None;
            }
        }
        if !args.follow {
            return Ok(());
        }
        thread::sleep(LOOK);
    }
}

/// From the folder, which nobody else has open, or from the topic.
fn read(args: &Args, config: &Config) -> Result<(), Failure> {
    let log = read_log(config)?;
    let several = log.sources.partitions.len() > 1;
    for (partition, source) in log.sources.partitions.iter().enumerate() {
        let end = *source.end().borrow();
        let mut from = args.from.max(source.first());
        while from < end {
            let records = source.read_from(from, CHUNK_BYTES)?;
            if records.is_empty() {
                // Still on its way here from a broker.
                thread::sleep(Duration::from_millis(1));
            }
            for record in records {
                from = record.offset + 1;
                let lines =
                    lines(&record).map_err(|error| anyhow::anyhow!("record {}: {error}", record.offset))?;
                for mut line in lines {
                    if let (true, Some(line)) = (several, line.as_object_mut()) {
                        line.insert("partition".to_owned(), partition.into());
                    }
                    if !print(args, &line.to_string())? {
                        return Ok(());
                    }
                }
            }
        }
    }
    log.close();
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
