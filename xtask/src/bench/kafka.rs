//! Through Kafka: what the collector's way there costs beside a bare producer's, and how soon an event is in the weights.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ingest::{self, BATCHES, TRAINER};
use super::process::{cpu_by_thread_s, cpu_s};
use crate::child::Running;
use crate::kafka::{self, Cluster};
use crate::sim::truth::Truth;
use crate::sim::{Plan, Visitors};
use crate::site::{self, Options, Site};
use crate::{demo, make, repo, tools};

const PARTITIONS: usize = 8;
/// As in the demo: nothing is late.
const MORE: &str = "trainer = { lateness = \"5s\" }\n";
/// How long the last outcomes may wait for their snapshot.
const LAST_SNAPSHOT: Duration = Duration::from_secs(10);
/// What the bare producer has used too little of is sent again: the kernel counts in hundredths of a second.
const ENOUGH_CPU_S: f64 = 1.0;
/// And no more often than that.
const MOST_ROUNDS: u32 = 64;

/// Events per second of processor time from HTTP to Kafka's acknowledgement, the collector against a bare producer; and the
/// time from an event to the weights at the edge.
///
/// Starts a real broker. The same encoded batches as in `bench ingest` go to a collector with `ack = "broker"`, so that each
/// request is answered when the broker has its events; and to a program that hands them to librdkafka as they are, with the same
/// acknowledgement and compression, a batch a record, and as many under way at a time as there are connections. A bare HTTP server that only reads them is the third, because a producer
/// has no requests to read: its processor time and the producer's together are what no collector could go below. Counted is the
/// processor time of each process, the collector's with and without its thread that learns. Then visitors like the demo's send
/// at each rate.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Events that each gets, for each size of batch.
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    events: usize,
    /// Connections that send at once.
    #[arg(long, default_value_t = 64, value_name = "N")]
    connections: usize,
    /// Events a second at which the way to the weights is measured; may be repeated.
    #[arg(long, default_values_t = [1_000.0, 5_000.0], value_name = "N")]
    rate: Vec<f64>,
    /// For how long, at each rate.
    #[arg(long, default_value_t = 30, value_name = "S")]
    seconds: u64,
}

pub(super) async fn run(args: &Args) -> Result<Value> {
    tools::need(&[&kafka::JAVA, &kafka::MAVEN])?;
    let collector = make::optimised_with("tiltwise-collector", "tiltwise", "kafka")?;
    let producer = make::optimised_with("tiltwise-bare", "tiltwise-bare-producer", "kafka")?;
    let http = make::optimised("tiltwise-bare", "tiltwise-bare")?;
    let cluster = Cluster::start(1, None, false, &[])?;
    let mut sizes = Vec::new();
    for (at, (sender, size)) in BATCHES.into_iter().enumerate() {
        let prefix = format!("bench{at}.");
        let site = site(
            &collector,
            &cluster,
            &prefix,
            "ack = \"broker\", ack_timeout = \"60s\"",
        )
        .await?;
        let bare_topic = format!("bare{at}.");
        let set = format!("kafka.topic_prefix={bare_topic}");
        crate::child::output(site.tiltwise().args(["topics", "create", "--set", &set]))?;
        let weights = site.edge().await?.weights();
        let batches = ingest::batches(&weights, sender, args.events / size, size, ingest::SEED)?;

        let produced = Produced {
            program: &producer,
            address: &cluster.address(),
            topic: &format!("{bare_topic}events"),
        };
        let bare_s = produced.cpu_s(&batches, args.connections)?;
        let at_will_s = produced.cpu_s(&batches, 0)?;
        let address = site::free_address()?;
        let server = Running::start(Command::new(&http).arg(address.to_string()))?;
        ingest::wait_for(address).await?;
        let read = ingest::send_again_and_again(&batches, address, server.id(), args.connections).await?;
        server.end(Duration::from_secs(5))?;
        let before = cpu_by_thread_s(site.process())?;
        let used = ingest::send(&batches, site.http, site.process(), args.connections).await?;
        let by_thread = cpu_by_thread_s(site.process())?;
        site.end()?;

        let events = (batches.len() * size) as f64;
        let learning_s =
            by_thread.get(TRAINER).copied().unwrap_or(0.0) - before.get(TRAINER).copied().unwrap_or(0.0);
        let way_s = (used.cpu_s - learning_s).max(f64::EPSILON);
        println!(
            "{} of {size:>3} events: bare producer {:>8.0} events per CPU-second ({:.0} with any number under way), behind a bare \
             HTTP server {:>7.0}; collector {:>7.0}, without what learns {:>7.0} ({:.0} % of the producer, {:.0} % of both)",
            sender.name(),
            events / bare_s,
            events / at_will_s,
            events / (bare_s + read.cpu_s),
            events / used.cpu_s,
            events / way_s,
            bare_s / way_s * 100.0,
            (bare_s + read.cpu_s) / way_s * 100.0,
        );
        sizes.push(json!({
            "sender": sender.name(),
            "events_a_batch": size,
            "events": events,
            "bare_producer_cpu_s": bare_s,
            "bare_producer_at_will_cpu_s": at_will_s,
            "bare_http_cpu_s": read.cpu_s,
            "collector_cpu_s": used.cpu_s,
            "collector_cpu_s_by_thread": by_thread,
            "collector_events_per_second": events / used.wall_s,
            "ratio_to_producer": bare_s / used.cpu_s,
            "ratio_to_producer_without_learning": bare_s / way_s,
            "ratio_to_http_and_producer_without_learning": (bare_s + read.cpu_s) / way_s,
        }));
    }
    let mut rates = Vec::new();
    for (at, &rate) in args.rate.iter().enumerate() {
        let site = site(
            &collector,
            &cluster,
            &format!("rate{at}."),
            "ack = \"broker-then-spool\"",
        )
        .await?;
        rates.push(to_the_weights(&site, rate, Duration::from_secs(args.seconds)).await?);
        site.end()?;
    }
    cluster.end()?;
    Ok(json!({ "connections": args.connections, "sizes": sizes, "event_to_edge_ms": rates }))
}

async fn site(program: &std::path::Path, cluster: &Cluster, prefix: &str, ack: &str) -> Result<Site> {
    let more = format!(
        "{MORE}log = {{ kind = \"kafka\" }}\n\
         kafka = {{ bootstrap_servers = [{:?}], topic_prefix = {prefix:?}, partitions = {PARTITIONS}, replication = 1, {ack} }}\n",
        cluster.address()
    );
    let options = Options {
        experiments: demo::experiments(false)?,
        more,
        before: vec![["topics", "create"]],
        ..Options::default()
    };
    Site::start(program, &options).await
}

/// Visitors like the demo's for so long, and how soon what they did was in the weights of an edge that follows the stream.
async fn to_the_weights(site: &Site, rate: f64, lasts: Duration) -> Result<Value> {
    let edge = site.edge().await?;
    let followed = Arc::clone(&edge);
    let following = tokio::spawn(async move { followed.follow().await });
    let (stop, stopped) = watch::channel(false);
    let plan = Plan {
        rate,
        drift_after: None,
    };
    let visitors = Visitors::new(Arc::clone(&edge), Truth::of_the_demo()?, plan)?;
    let coming = Arc::clone(&visitors);
    let began = Instant::now();
    let visiting = tokio::spawn(async move { coming.run(stopped).await });
    tokio::time::sleep(lasts).await;
    let took_s = began.elapsed().as_secs_f64();
    let sent = visitors.tally(|tally| tally.counts.acknowledged);
    stop.send_replace(true);
    visiting.await??;
    let last = Instant::now();
    while edge.latency(|latency| latency.waiting()) > 0 && last.elapsed() < LAST_SNAPSHOT {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    following.abort();
    let (summary, waiting) = edge.latency(|latency| (latency.summary(), latency.waiting()));
    ensure!(waiting == 0, "{waiting} outcomes never came back as weights");
    let events_a_second = sent as f64 / took_s;
    println!(
        "{rate:.0} events a second asked for, {events_a_second:.0} acknowledged: event to weights p50 {:.0} ms, p99 {:.0} ms \
         ({} outcomes)",
        summary.p50_ms, summary.p99_ms, summary.samples
    );
    Ok(json!({ "rate": rate, "acknowledged_per_second": events_a_second, "latency": summary }))
}

/// What the bare producer is to do.
struct Produced<'a> {
    program: &'a std::path::Path,
    address: &'a str,
    topic: &'a str,
}

impl Produced<'_> {
    /// Processor time for all batches once, with so many under way at a time (0: as many as it likes). Sent as often as it takes to use enough of it.
    fn cpu_s(&self, batches: &[Bytes], under_way: usize) -> Result<f64> {
        let mut file = tempfile::NamedTempFile::new_in(repo::target_dir())?;
        for batch in batches {
            file.write_all(&u32::try_from(batch.len())?.to_le_bytes())?;
            file.write_all(batch)?;
        }
        file.flush()?;
        let mut rounds = 1;
        loop {
            let used_s = self.rounds(file.path(), rounds, under_way)?;
            if used_s >= ENOUGH_CPU_S || rounds >= MOST_ROUNDS {
                return Ok(used_s / f64::from(rounds));
            }
            rounds *= 4;
        }
    }

    fn rounds(&self, file: &std::path::Path, rounds: u32, under_way: usize) -> Result<f64> {
        let mut command = Command::new(self.program);
        command
            .args([self.address, self.topic, &PARTITIONS.to_string()])
            .arg(file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = command.spawn().context("starting the bare producer")?;
        let mut said = BufReader::new(running.stdout.take().context("its output")?).lines();
        let mut input: ChildStdin = running.stdin.take().context("its input")?;
        let mut wait = |word: &str| -> Result<()> {
            let line = said.next().context("the bare producer has ended")??;
            ensure!(line == word, "the bare producer says {line}");
            Ok(())
        };
        wait("ready")?;
        let before = cpu_s(running.id())?;
        writeln!(input, "{rounds} {under_way}")?;
        wait("done")?;
        let used = cpu_s(running.id())? - before;
        drop(input);
        ensure!(running.wait()?.success(), "the bare producer has failed");
        Ok(used)
    }
}
