//! What a process has used, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

/// The kernel counts processor time in hundredths of a second on every Linux that Rust supports.
const TICKS_A_SECOND: f64 = 100.0;

/// Processor time of all threads so far, in seconds.
pub(super) fn cpu_s(process: u32) -> Result<f64> {
    used_s(&format!("/proc/{process}/stat"))
}

/// The same by the name of the thread; threads of one name are added up.
pub(super) fn cpu_by_thread_s(process: u32) -> Result<BTreeMap<String, f64>> {
    let threads = format!("/proc/{process}/task");
    let mut used = BTreeMap::new();
    for thread in fs::read_dir(&threads).with_context(|| format!("reading {threads}"))? {
        let thread = thread?.path();
        let name = fs::read_to_string(thread.join("comm")).unwrap_or_default();
        // A thread that has just ended has nothing more to tell.
        let seconds = used_s(&thread.join("stat").to_string_lossy()).unwrap_or(0.0);
        *used.entry(name.trim().to_owned()).or_default() += seconds;
    }
    Ok(used)
}

/// Fields 14 and 15 of a `stat` file, user and system.
fn used_s(path: &str) -> Result<f64> {
    let stat = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    // The second field is the program's name, which may hold anything, in parentheses.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

/// Resident memory, in bytes.
pub(super) fn memory_bytes(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kilobytes.with_context(|| format!("{path} names no memory"))? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_time_and_memory() {
        let us = std::process::id();
        let before = cpu_s(us).unwrap();
        let mut sum = 0_u64;
        while cpu_s(us).unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(memory_bytes(us).unwrap() > 100_000);
    }
}
