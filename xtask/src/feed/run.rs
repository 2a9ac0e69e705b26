//! One data set, row by row.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::StdRng;
use serde::Serialize;
use tiltwise_core::event::Outcome;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::experiment::RIGHT;
use super::table::{Row, Table};
use crate::edge::decide::Arrival;
use crate::edge::follow::Edge;
use crate::edge::latency::Summary;
use crate::edge::now_ms;
use crate::edge::send::{Answer, Batch, Session, Verdict};

/// Rows on their way at most; beyond it the feed waits, so that a slow collector is not measured on a backlog.
const IN_FLIGHT: usize = 64;

/// How long a batch is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait at the end for the snapshots that answer the last outcomes.
const LAST_SNAPSHOT: Duration = Duration::from_secs(15);

/// What came of a data set.
#[derive(Debug, Serialize)]
pub struct Fed {
    pub data_set: String,
    pub rows: usize,
    pub arms: usize,
    pub attributes: usize,
    pub mean_reward: f64,
    /// Of the second half of the rows only.
    pub mean_reward_second_half: f64,
    /// Of each tenth of the rows: how fast it was learned.
    pub mean_reward_by_tenth: Vec<f64>,
    pub even_split: f64,
    pub best_single_arm: f64,
    pub models: u64,
    pub events_acknowledged: u64,
    pub event_to_edge_ms: Summary,
    pub seconds: f64,
}

/// Feeds a table at so many rows a second. Chance only mints ids; the data set has its own order.
pub async fn feed(edge: &Arc<Edge>, table: &Table, rate: f64, chance: &mut StdRng) -> Result<Fed> {
    let started = Instant::now();
    let first_version = edge.weights().version;
    edge.latency(std::mem::take);
    let bar = progress(table);
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    let mut sums = Sums::default();
    for row in &table.rows {
        ticks.tick().await;
        while sending.len() >= IN_FLIGHT {
            sums.acknowledged += next(&mut sending).await?;
        }
        let arrival = Arrival::mint(now_ms(), chance);
        let (batch, session, right) = decide(edge, table, row, &arrival)?;
        sums.right.push(right);
        sending.spawn(send(Arc::clone(edge), batch, session, right));
        bar.set_message(format!(
            "reward {:.3}  to edge p99 {:.0} ms",
            sums.mean(),
            edge.latency(|l| l.recent()).p99_ms
        ));
        bar.inc(1);
    }
    while !sending.is_empty() {
        sums.acknowledged += next(&mut sending).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let last = Instant::now();
    while edge.latency(|latency| latency.waiting()) > 0 {
        ensure!(
            last.elapsed() < LAST_SNAPSHOT,
            "no snapshot has folded the last outcomes after {LAST_SNAPSHOT:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
    bar.finish_and_clear();
    Ok(Fed {
        data_set: table.key.clone(),
        rows: table.rows.len(),
        arms: table.arms,
        attributes: table.columns.len(),
        mean_reward: sums.mean(),
        mean_reward_second_half: sums.second_half(),
        mean_reward_by_tenth: sums.by_tenth(),
        even_split: 1.0 / table.arms as f64,
        best_single_arm: table.best_single_arm(),
        models: edge.weights().version - first_version,
        events_acknowledged: sums.acknowledged,
        event_to_edge_ms: edge.latency(|latency| latency.summary()),
        seconds,
    })
}

impl Fed {
    pub fn line(&self) -> String {
        format!(
            "{}: reward {:.3} (second half {:.3}) over {} rows; an even split {:.3}, the best single arm {:.3}; \
             event to edge p50 {:.0} ms, p99 {:.0} ms; {} models",
            self.data_set,
            self.mean_reward,
            self.mean_reward_second_half,
            self.rows,
            self.even_split,
            self.best_single_arm,
            self.event_to_edge_ms.p50_ms,
            self.event_to_edge_ms.p99_ms,
            self.models,
        )
    }
}

/// Decides a row with the newest weights. Returns the exposure, ready to be sent, and whether the arm was right.
fn decide(edge: &Edge, table: &Table, row: &Row, arrival: &Arrival) -> Result<(Batch, Session, bool)> {
    let weights = edge.weights();
    let place = weights.content.find(&table.key);
    let experiment = place.and_then(|place| weights.content.experiments.get(place));
    let experiment = experiment.context("the experiment is not served")?;
    let exposure = arrival
        .decide(experiment, &table.context(row), weights.version, now_ms())
        .map_err(|held| anyhow::anyhow!("the core held a decision back: {held:?}"))?;
    let right = exposure.arm as usize == row.label;
    let mut session = Session::new(*arrival);
    let mut batch = session.batch();
    batch.exposure(exposure);
    Ok((batch, session, right))
}

/// Sends an exposure, and after it the outcome where there is one. Returns how many events were accepted.
async fn send(edge: Arc<Edge>, exposure: Batch, mut session: Session, right: bool) -> Result<u64> {
    accepted(&exposure.send(&edge.door, PATIENCE).await?)?;
    if !right {
        return Ok(1);
    }
    let mut outcome = session.batch();
    outcome.outcome(Outcome {
        name: RIGHT,
        ..Outcome::default()
    });
    let answer = outcome.send(&edge.door, PATIENCE).await?;
    accepted(&answer)?;
    edge.latency(|latency| latency.acknowledged(answer.sent_at, answer.received_ms));
    Ok(2)
}

fn accepted(answer: &Answer) -> Result<()> {
    for verdict in &answer.verdicts {
        match verdict {
            Verdict::Accepted => {}
            // An earlier copy had arrived although its answer did not.
            Verdict::Duplicate if answer.copies > 1 => {}
            Verdict::Duplicate => bail!("the collector takes a new event for one that it has"),
            Verdict::Rejected { code } => bail!("the collector rejected an event, code {code}"),
        }
    }
    Ok(())
}

async fn next(sending: &mut JoinSet<Result<u64>>) -> Result<u64> {
    match sending.join_next().await {
        Some(sent) => sent?,
        None => Ok(0),
    }
}

#[derive(Debug, Default)]
struct Sums {
    /// Row by row.
    right: Vec<bool>,
    acknowledged: u64,
}

impl Sums {
    fn mean(&self) -> f64 {
        share(&self.right)
    }

    fn second_half(&self) -> f64 {
        self.right.get(self.right.len() / 2..).map_or(0.0, share)
    }

    fn by_tenth(&self) -> Vec<f64> {
        self.right
            .chunks(self.right.len().div_ceil(10).max(1))
            .map(share)
            .collect()
    }
}

fn share(right: &[bool]) -> f64 {
    right.iter().filter(|&&right| right).count() as f64 / right.len().max(1) as f64
}

fn progress(table: &Table) -> ProgressBar {
    let bar = ProgressBar::new(table.rows.len() as u64).with_prefix(table.key.clone());
    let style = ProgressStyle::with_template("{prefix:12} {bar:30} {pos:>5}/{len}  {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
