//! Writes a recorded log and what the native core counts of it into a folder, for hosts that are not Rust: they fold the log and
//! compare bytes.
//!
//! ```text
//! revisions/<id in 16 hexadecimal digits>.revision   as a collector keeps them
//! log       records by time: partition (u32), length (u32), bytes
//! expected  tick (u64), revision (u64), length (u32), the bytes of its sums at the end of the tick
//! ```
//! Numbers are big endian.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use tiltwise_core::join::TICK_MS;
use tiltwise_tests::river::{BASE_MS, Log, Native, revisions};

const SEED: u64 = 5;
const EVENTS: usize = 4_000;
/// Ticks that are compared, while things happen in every experiment: whoever reads what is published waits for a later one. Each
/// ends a second, so that every interval of publishing that divides one has ended with it.
const COMPARED: [u64; 4] = [99, 299, 459, 599];

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let Some(folder) = folder else {
        return Err(io::Error::other("usage: tiltwise-river FOLDER"));
    };
    let log = Log::record(SEED, EVENTS);
    write_revisions(&folder.join("revisions"))?;
    write_log(&log, &folder.join("log"))?;
    write_expected(&log, &folder.join("expected"))
}

fn write_revisions(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (id, revision) in revisions() {
        fs::write(folder.join(format!("{:016x}.revision", id.0)), revision.encode())?;
    }
    Ok(())
}

/// In turn, as far as the stamps allow: what reads it as one stream meets partitions that are not equally far.
fn write_log(log: &Log, path: &Path) -> io::Result<()> {
    let mut records: Vec<(u64, u32, Vec<u8>)> = Vec::new();
    for (partition, part) in (0..).zip(&log.partitions) {
        let mut latest = 0;
        for (place, record) in part.iter().enumerate() {
            // By groups of records, so that one partition is ahead of another by up to seconds.
            if place % 16 == 0 {
                latest = latest.max(record.clock_ms);
            }
            records.push((latest, partition, record.encode()));
        }
    }
    records.sort_by_key(|(at, partition, _)| (*at, *partition));
    let mut out = io::BufWriter::new(fs::File::create(path)?);
    for (_, partition, bytes) in records {
        out.write_all(&partition.to_be_bytes())?;
        write_bytes(&mut out, &bytes)?;
    }
    out.flush()
}

fn write_expected(log: &Log, path: &Path) -> io::Result<()> {
    let mut native = Native::new(log);
    let mut out = io::BufWriter::new(fs::File::create(path)?);
    for tick in COMPARED.map(|tick| BASE_MS / TICK_MS + tick) {
        native.fold_through(tick);
        for (id, bytes) in native.sums_at_end_of(tick) {
            out.write_all(&tick.to_be_bytes())?;
            out.write_all(&id.0.to_be_bytes())?;
            write_bytes(&mut out, &bytes)?;
        }
    }
    out.flush()
}

fn write_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(
        &u32::try_from(bytes.len())
            .map_err(io::Error::other)?
            .to_be_bytes(),
    )?;
    out.write_all(bytes)
}
