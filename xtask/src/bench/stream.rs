//! What an open page costs the collector: memory and processor time per stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::BodyExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::process::{cpu_s, memory_bytes};
use crate::edge::door::Door;
use crate::edge::follow::Edge;
use crate::sim::truth::Truth;
use crate::sim::{Plan, Visitors};
use crate::site::{Options, Site};
use crate::{demo, make};

/// Streams that are being opened at once.
const OPENING: usize = 100;

/// How long a stream may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory and processor time of the collector per open page.
///
/// Simulated visitors send events all the while, so that new models are announced as fast as they ever are. The
/// collector's processor time is measured over the same span with one stream and with all of them: the difference is what
/// the streams cost.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Streams that are open at once.
    #[arg(long, default_value_t = 5_000, value_name = "N")]
    streams: usize,
    /// How long to measure, with and without them.
    #[arg(long, default_value_t = 20, value_name = "S")]
    seconds: u64,
    /// Events a second that keep new models coming.
    #[arg(long, default_value_t = 200.0, value_name = "N")]
    rate: f64,
}

pub(super) async fn run(args: &Args) -> Result<Value> {
    // A descriptor a stream here and, inherited by it, in the collector.
    allow_descriptors(args.streams as u64 + 1_000)?;
    let collector = make::optimised("tiltwise-collector", "tiltwise")?;
    let options = Options {
        experiments: demo::experiments(false)?,
        // All of them come from this machine.
        more: format!("limits = {{ streams_per_address = {} }}\n", args.streams + 1),
        ..Options::default()
    };
    let site = Site::start(&collector, &options).await?;
    let edge = site.edge().await?;
    let followed = Arc::clone(&edge);
    let following = tokio::spawn(async move { followed.follow().await });
    let visitors = Visitors::new(
        Arc::clone(&edge),
        Truth::of_the_demo()?,
        Plan {
            rate: args.rate,
            drift_after: None,
        },
    )?;
    let (stop, stopped) = watch::channel(false);
    let visiting = tokio::spawn(async move { visitors.run(stopped).await });
    // The first models and connections are dearer than the later ones.
    sleep(Duration::from_secs(5)).await;

    let span = Duration::from_secs(args.seconds);
    let alone = measure(&site, &edge, span).await?;
    let heard = Arc::new(AtomicU64::new(0));
    let mut open = JoinSet::new();
    let opened = Instant::now();
    listen(&site, args.streams, &heard, &mut open).await?;
    let opening_s = opened.elapsed().as_secs_f64();
    heard.store(0, Ordering::Relaxed);
    let together = measure(&site, &edge, span).await?;
    let heard = heard.load(Ordering::Relaxed);
    let still_open = open.len();
    open.abort_all();
    stop.send_replace(true);
    visiting.await??;
    following.abort();
    site.end()?;
    ensure!(
        still_open == args.streams,
        "{} of {} streams broke",
        args.streams - still_open,
        args.streams
    );

    let streams = args.streams as f64;
    let memory = together.memory.saturating_sub(alone.memory) as f64 / streams;
    let cpu_s = together.cpu_s - alone.cpu_s;
    let each_us = cpu_s * 1e6 / heard.max(1) as f64;
    println!(
        "{} streams: {:.1} kB each; {} announcements to each in {} s, {:.1} µs of processor time an announcement, \
         {:.2} ms a second for 1,000 streams",
        args.streams,
        memory / 1e3,
        together.models,
        args.seconds,
        each_us,
        cpu_s * 1e3 / span.as_secs_f64() / streams * 1e3,
    );
    Ok(json!({
        "streams": args.streams,
        "seconds": args.seconds,
        "opening_s": opening_s,
        "memory_bytes_a_stream": memory,
        "models_announced": together.models,
        "announcements_heard": heard,
        "cpu_us_an_announcement": each_us,
        "cpu_s_alone": alone.cpu_s,
        "cpu_s_together": together.cpu_s,
        "cpu_share_a_stream": cpu_s / span.as_secs_f64() / streams,
    }))
}

struct Measured {
    cpu_s: f64,
    memory: u64,
    models: u64,
}

async fn measure(site: &Site, edge: &Edge, span: Duration) -> Result<Measured> {
    let (cpu, version) = (cpu_s(site.process())?, edge.weights().version);
    sleep(span).await;
    Ok(Measured {
        cpu_s: cpu_s(site.process())? - cpu,
        memory: memory_bytes(site.process())?,
        models: edge.weights().version - version,
    })
}

/// Opens the streams; each has said its first word when this returns.
async fn listen(
    site: &Site,
    streams: usize,
    heard: &Arc<AtomicU64>,
    open: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let (greeted, mut greetings) = tokio::sync::mpsc::channel(OPENING);
    let mut greeted_so_far = 0;
    for started in 0..streams {
        let (heard, greeted, address) = (Arc::clone(heard), greeted.clone(), site.http);
        open.spawn(async move {
            let mut stream = Door::new(address).stream("/v1/stream").await?;
            let mut greeted = Some(greeted);
            while let Some(frame) = stream.frame().await {
                // A keep-alive is a comment; only announcements carry data.
                if frame?
                    .data_ref()
                    .is_some_and(|data| data.windows(5).any(|five| five == b"data:"))
                {
                    heard.fetch_add(1, Ordering::Relaxed);
                    if let Some(greeted) = greeted.take() {
                        let _ = greeted.send(()).await;
                    }
                }
            }
            Ok(())
        });
        while started + 1 - greeted_so_far >= OPENING {
            greeting(&mut greetings).await?;
            greeted_so_far += 1;
        }
    }
    while greeted_so_far < streams {
        greeting(&mut greetings).await?;
        greeted_so_far += 1;
    }
    Ok(())
}

async fn greeting(greetings: &mut tokio::sync::mpsc::Receiver<()>) -> Result<()> {
    let greeting = tokio::time::timeout(PATIENCE, greetings.recv()).await;
    greeting
        .context("a stream said nothing")?
        .context("no stream is open")
}

fn allow_descriptors(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|most| most >= needed),
        "{needed} open files are needed and {:?} are allowed; raise the hard limit: ulimit -Hn {needed}",
        limit.maximum
    );
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("allowing more open files")
}
