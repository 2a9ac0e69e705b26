//! The line that says how it is going.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::edge::latency::Summary;
use crate::sim::tally::{Counts, Reward};

/// How often a line is printed where no terminal can redraw one.
const EVERY: Duration = Duration::from_secs(10);

/// What is known now.
#[derive(Debug)]
pub struct Now {
    pub counts: Counts,
    pub reward: Reward,
    pub latency: Summary,
    pub models: u64,
    pub browser_sessions: u64,
}

#[derive(Debug)]
pub struct Status {
    bar: Option<ProgressBar>,
    started: Instant,
    printed: Instant,
    /// When, and with how many visitors, the rate was read last.
    before: (Instant, u64),
    visitors_a_second: f64,
}

impl Status {
    pub fn new() -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            bar,
            started: now,
            printed: now,
            before: (now, 0),
            visitors_a_second: 0.0,
        }
    }

    pub fn show(&mut self, now: &Now) {
        let (read, visitors) = self.before;
        let elapsed = read.elapsed();
        if elapsed >= Duration::from_secs(1) {
            self.visitors_a_second = (now.counts.visitors - visitors) as f64 / elapsed.as_secs_f64();
            self.before = (Instant::now(), now.counts.visitors);
        }
        let line = self.line(now);
        if let Some(bar) = &self.bar {
            bar.set_message(line);
            bar.tick();
        } else if self.printed.elapsed() >= EVERY {
            self.printed = Instant::now();
            println!("{:>4.0} s  {line}", self.started.elapsed().as_secs_f64());
        }
    }

    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, now: &Now) -> String {
        let Reward {
            tiltwise, even_split, ..
        } = now.reward;
        let ahead = if even_split > 0.0 {
            (tiltwise / even_split - 1.0) * 100.0
        } else {
            0.0
        };
        format!(
            "{:.0} visitors/s  {} events  reward {tiltwise:.3}, even split {even_split:.3} ({ahead:+.0} %)  \
             to edge p50 {:.0} ms p99 {:.0} ms  model {}  browser {}",
            self.visitors_a_second,
            now.counts.acknowledged,
            now.latency.p50_ms,
            now.latency.p99_ms,
            now.models,
            now.browser_sessions,
        )
    }
}
