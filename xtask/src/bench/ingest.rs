//! Events per second of processor time: the collector, durable log included, against a bare server on the same batches.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hyper::body::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tiltwise_core::event::{Body, Event, EventBatch, Outcome};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::process::{cpu_by_thread_s, cpu_s};
use crate::child::Running;
use crate::edge::decide::Arrival;
use crate::edge::door::Door;
use crate::edge::follow::Weights;
use crate::edge::now_ms;
use crate::edge::send::Session;
use crate::sim::truth::Truth;
use crate::site::{self, Options, Site};
use crate::{demo, make};

/// What is sent: a page's batch, a worker's of some visitors, of many, and the largest that is taken.
pub(super) const BATCHES: [(Sender, usize); 4] = [
    (Sender::Page, VISIT),
    (Sender::Worker, 10),
    (Sender::Worker, 100),
    (Sender::Worker, 500),
];

/// The events of one visit: an exposure for each of the demo's experiments, and an outcome.
const VISIT: usize = 4;

pub(super) const SEED: u64 = 3;

/// The collector's thread that joins, folds and fits.
pub(super) const TRAINER: &str = "trainer";

/// The kernel counts in hundredths of a second: less than this is not measured well.
const ENOUGH_CPU_S: f64 = 1.0;

/// Events per second of processor time, the collector against a bare server.
///
/// The same encoded batches (three exposures and an outcome a visitor, decided with the demo's experiments) go over the
/// same connections first to a bare hyper server that reads them and answers, then to a collector with its durable log;
/// each in a process of its own, both optimised. A page's batch is one visitor's; a worker's holds those of several, and
/// each of its events names its own. Counted is the processor time of the server alone, with and without its thread that
/// joins, folds and fits.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Events that each server gets, for each size of batch.
    #[arg(long, default_value_t = 400_000, value_name = "N")]
    events: usize,
    /// Connections that send at once, a batch each. A collector lets in 256 batches at a time (`limits.in_flight`); how many
    /// share a commit depends on it.
    #[arg(long, default_value_t = 250, value_name = "N")]
    connections: usize,
    /// Only the batches of this sender.
    #[arg(long, value_name = "SENDER")]
    only: Option<Sender>,
    /// Runs, bare server and collector in turn; what is told is the run whose ratio is the median.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

pub(super) async fn run(args: &Args) -> Result<Value> {
    let programs = Programs {
        collector: make::optimised("tiltwise-collector", "tiltwise")?,
        bare: make::optimised("tiltwise-bare", "tiltwise-bare")?,
    };
    let mut sizes = Vec::new();
    for (sender, size) in BATCHES {
        if args.only.is_some_and(|only| only != sender) {
            continue;
        }
        let mut runs = Vec::new();
        for run in 0..args.runs {
            runs.push(Run::of(&programs, args, sender, size, SEED + u64::from(run)).await?);
        }
        runs.sort_unstable_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let ratios: Vec<f64> = runs.iter().map(Run::ratio).collect();
        let median = runs.get(runs.len() / 2).context("no run")?;
        println!("{} of {size:>3} events: {}", sender.name(), median.told(&ratios));
        let mut figures = median.figures();
        figures["sender"] = sender.name().into();
        figures["events_a_batch"] = size.into();
        figures["ratios_of_ingest_alone"] = ratios.into();
        sizes.push(figures);
    }
    Ok(json!({ "events": args.events, "connections": args.connections, "runs": args.runs, "sizes": sizes }))
}

struct Programs {
    collector: PathBuf,
    bare: PathBuf,
}

/// Both servers on the same batches, one after the other.
struct Run {
    batches: f64,
    events: f64,
    bytes: f64,
    bare: Used,
    collector: Used,
    collector_cpu_s_by_thread: BTreeMap<String, f64>,
}

impl Run {
    async fn of(programs: &Programs, args: &Args, sender: Sender, size: usize, seed: u64) -> Result<Self> {
        let options = Options {
            experiments: demo::experiments(false)?,
            ..Options::default()
        };
        let site = Site::start(&programs.collector, &options).await?;
        let weights = site.edge().await?.weights();
        let batches = batches(&weights, sender, args.events / size, size, seed)?;

        let bare_address = site::free_address()?;
        let bare_server = Running::start(Command::new(&programs.bare).arg(bare_address.to_string()))?;
        wait_for(bare_address).await?;
        let bare = send_again_and_again(&batches, bare_address, bare_server.id(), args.connections).await?;
        bare_server.end(Duration::from_secs(5))?;

        let before = cpu_by_thread_s(site.process())?;
        let collector = send(&batches, site.http, site.process(), args.connections).await?;
        let mut by_thread = cpu_by_thread_s(site.process())?;
        for (thread, cpu_s) in &mut by_thread {
            *cpu_s -= before.get(thread).copied().unwrap_or(0.0);
        }
        site.end()?;
        Ok(Self {
            batches: batches.len() as f64,
            events: (batches.len() * size) as f64,
            bytes: batches.iter().map(Bytes::len).sum::<usize>() as f64,
            bare,
            collector,
            collector_cpu_s_by_thread: by_thread,
        })
    }

    /// What the collector uses without its thread that learns.
    fn ingest_s(&self) -> f64 {
        let learning_s = self
            .collector_cpu_s_by_thread
            .get(TRAINER)
            .copied()
            .unwrap_or(0.0);
        (self.collector.cpu_s - learning_s).max(f64::EPSILON)
    }

    fn ratio(&self) -> f64 {
        self.bare.cpu_s / self.ingest_s()
    }

    fn told(&self, ratios: &[f64]) -> String {
        let microseconds = |cpu_s: f64| cpu_s / self.batches * 1e6;
        let mut told = format!(
            "bare server {:>8.0} events per CPU-second ({:.1} us a batch); collector {:>7.0} ({:.0} %), \
             without what learns {:>7.0} ({:.1} us, {:.1} %)",
            self.events / self.bare.cpu_s,
            microseconds(self.bare.cpu_s),
            self.events / self.collector.cpu_s,
            self.bare.cpu_s / self.collector.cpu_s * 100.0,
            self.events / self.ingest_s(),
            microseconds(self.ingest_s()),
            self.ratio() * 100.0,
        );
        if let [least, .., most] = ratios {
            let _ = write!(
                told,
                ", of {} runs between {:.1} and {:.1} %",
                ratios.len(),
                least * 100.0,
                most * 100.0
            );
        }
        told
    }

    fn figures(&self) -> Value {
        json!({
            "bytes_an_event": self.bytes / self.events,
            "bare": per_second(&self.bare, self.events),
            "collector": per_second(&self.collector, self.events),
            "collector_cpu_s_by_thread": self.collector_cpu_s_by_thread,
            "ratio": self.bare.cpu_s / self.collector.cpu_s,
            "ratio_of_ingest_alone": self.ratio(),
        })
    }
}

pub(super) struct Used {
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
}

fn per_second(used: &Used, events: f64) -> Value {
    json!({
        "events_per_cpu_second": events / used.cpu_s,
        "events_per_second": events / used.wall_s,
        "cpu_s": used.cpu_s,
    })
}

/// Sends everything as often as it takes to use enough processor time; what is returned is for once.
pub(super) async fn send_again_and_again(
    batches: &[Bytes],
    address: SocketAddr,
    process: u32,
    connections: usize,
) -> Result<Used> {
    let mut sum = Used {
        cpu_s: 0.0,
        wall_s: 0.0,
    };
    let mut rounds = 0.0;
    while sum.cpu_s < ENOUGH_CPU_S {
        let used = send(batches, address, process, connections).await?;
        sum.cpu_s += used.cpu_s;
        sum.wall_s += used.wall_s;
        rounds += 1.0;
    }
    Ok(Used {
        cpu_s: sum.cpu_s / rounds,
        wall_s: sum.wall_s / rounds,
    })
}

/// Sends every batch once and waits for every answer.
pub(super) async fn send(
    batches: &[Bytes],
    address: SocketAddr,
    process: u32,
    connections: usize,
) -> Result<Used> {
    let left = Arc::new(Mutex::new(VecDeque::from(batches.to_vec())));
    let before = cpu_s(process)?;
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let left = Arc::clone(&left);
        senders.spawn(async move {
            let door = Door::new(address);
            loop {
                let Some(batch) = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else {
                    return Ok(());
                };
                let reply = door.post("/v1/e", batch).await?;
                ensure!(reply.status.is_success(), "answered {}", reply.status);
                // The compact answer is empty where every event was accepted.
                ensure!(
                    reply.body.is_empty(),
                    "not every event was accepted: {:?}",
                    reply.body
                );
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(Used {
        cpu_s: cpu_s(process)? - before,
        wall_s: started.elapsed().as_secs_f64(),
    })
}

/// Who sends a batch, and so how it names whose events it holds.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// The visitor stands once, at the head of the batch.
    Page,
    /// Each event names its visitor.
    Worker,
}

impl Sender {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Worker => "worker",
        }
    }
}

pub(super) fn batches(
    weights: &Weights,
    sender: Sender,
    count: usize,
    size: usize,
    seed: u64,
) -> Result<Vec<Bytes>> {
    let truth = Truth::of_the_demo()?;
    let mut chance = StdRng::seed_from_u64(seed);
    match sender {
        Sender::Page => {
            let page = |_| page(weights, &truth, &mut chance);
            (0..count).map(page).collect()
        }
        Sender::Worker => Ok(worker(weights, &truth, &mut chance, count, size)),
    }
}

/// One visitor's session, as a page sends it.
fn page(weights: &Weights, truth: &Truth, chance: &mut StdRng) -> Result<Bytes> {
    let (arrival, bodies) = visit(weights, truth, chance);
    let mut batch = Session::new(arrival).batch();
    for body in bodies {
        match body {
            Body::Exposure(exposure) => batch.exposure(exposure),
            Body::Outcome(outcome) => batch.outcome(outcome),
        }
    }
    ensure!(
        batch.len() == VISIT,
        "the demo's experiments make a visit of {} events",
        batch.len()
    );
    Ok(batch.encode())
}

/// The events of one visitor after another, cut into batches.
fn worker(weights: &Weights, truth: &Truth, chance: &mut StdRng, count: usize, size: usize) -> Vec<Bytes> {
    let mut waiting: VecDeque<Vec<u8>> = VecDeque::new();
    let mut batches = Vec::with_capacity(count);
    for _ in 0..count {
        while waiting.len() < size {
            let (arrival, bodies) = visit(weights, truth, chance);
            waiting.extend(bodies.into_iter().map(|body| {
                Event {
                    made_ms: 0,
                    body,
                    id: "",
                    visitor: Some(arrival.visitor),
                    account: "",
                }
                .encode()
            }));
        }
        let session: [u8; 16] = chance.random();
        let events: Vec<Vec<u8>> = waiting.drain(..size).collect();
        let batch = EventBatch {
            session: &session,
            sent_ms: now_ms(),
            events: events.iter().map(Vec::as_slice).collect(),
            ..EventBatch::default()
        };
        batches.push(batch.encode().into());
    }
    batches
}

/// Somebody new, their exposures and an outcome.
fn visit(weights: &Weights, truth: &Truth, chance: &mut StdRng) -> (Arrival, Vec<Body<'static>>) {
    let arrival = Arrival::mint(now_ms(), chance);
    let context = truth.context(chance);
    let exposures = weights.content.experiments.iter().filter_map(|experiment| {
        arrival
            .decide(experiment, &context, weights.version, now_ms())
            .ok()
    });
    let outcome = Body::Outcome(Outcome {
        name: "signup",
        ..Outcome::default()
    });
    (arrival, exposures.map(Body::Exposure).chain([outcome]).collect())
}

pub(super) async fn wait_for(address: SocketAddr) -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        ensure!(
            started.elapsed() < Duration::from_secs(5),
            "the bare server does not listen"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
