//! Everything running together, from the first port to the last process.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::browser::{Browser, Sessions};
use super::figures::Figures;
use super::shop::Shop;
use super::status::{Now, Status};
use super::{experiments, log};
use crate::edge::follow::Edge;
use crate::kafka::Cluster;
use crate::make::Made;
use crate::sim::truth::Truth;
use crate::sim::{Plan, Visitors};
use crate::site::{Options, Site};
use crate::{bench, child, report};

/// How long the last outcomes may wait for their snapshot.
const LAST_SNAPSHOT: Duration = Duration::from_secs(5);

/// When the truth drifts where no end is set.
const DRIFT_AFTER: Duration = Duration::from_secs(60);

/// The lateness is short because no outcome of the demo is late: results are final within seconds of their window.
const MORE: &str = "trainer = { lateness = \"5s\" }\n";

/// One showing of the demo.
#[derive(Debug)]
pub struct Show {
    pub made: Made,
    pub started: Instant,
    pub first_build_s: Option<f64>,
    pub lasts: Option<Duration>,
    pub rate: f64,
    pub drift: bool,
    pub headless: bool,
    pub open: bool,
    pub report: Option<PathBuf>,
    /// Where the log is kept, if not in the collector's folder. Ends with this value, after the collector.
    pub kafka: Option<Cluster>,
}

/// What runs beside this task.
struct Cast {
    site: Site,
    edge: Arc<Edge>,
    shop: Arc<Shop>,
    browser: Option<Browser>,
    visitors: Arc<Visitors>,
    following: JoinHandle<Result<()>>,
    serving: JoinHandle<Result<()>>,
    visiting: JoinHandle<Result<()>>,
}

impl Show {
    pub async fn run(self) -> Result<ExitCode> {
        let (stop, stopped) = watch::channel(false);
        let stop = Arc::new(stop);
        let interrupted = Arc::clone(&stop);
        child::once_interrupted(move || {
            interrupted.send_replace(true);
        });
        let mut cast = self.begin(stopped.clone()).await?;
        let ready_s = self.started.elapsed().as_secs_f64();
        println!("Ready after {ready_s:.1} s.");
        let watched = self.watch(&mut cast, stopped).await;
        stop.send_replace(true);
        watched?;
        println!("Ending.");
        let figures = self.end(cast, ready_s).await?;
        println!("{}", figures.closing());
        report::write(self.report.as_deref(), &serde_json::to_value(&figures)?)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn begin(&self, stopped: watch::Receiver<bool>) -> Result<Cast> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("a port for the shop")?;
        let shop_url = format!("http://{}", listener.local_addr()?);
        let mut options = Options {
            experiments: experiments::text(self.drift)?,
            origins: vec![shop_url.clone()],
            more: MORE.to_owned(),
            ..Options::default()
        };
        if let Some(cluster) = &self.kafka {
            options.more.push_str(&cluster.log());
            options.before.push(["topics", "create"]);
        }
        let site = Site::start(&self.made.collector, &options).await?;
        let server_key = site.server_key("shop")?;
        let shop = Shop::new(self.made.shop.clone(), site.http, &site.public_keys, server_key);
        let serving = tokio::spawn(Arc::clone(&shop).serve(listener));

        let edge = site.edge().await?;
        let followed = Arc::clone(&edge);
        let following = tokio::spawn(async move { followed.follow().await });
        let drift_after = self
            .drift
            .then(|| self.lasts.map_or(DRIFT_AFTER, |lasts| lasts / 2));
        let plan = Plan {
            rate: self.rate,
            drift_after,
        };
        let visitors = Visitors::new(Arc::clone(&edge), Truth::of_the_demo()?, plan)?;
        let coming = Arc::clone(&visitors);
        let visiting = tokio::spawn(async move { coming.run(stopped).await });

        let dashboard = site.dashboard_url().await?;
        println!("\n  shop       {shop_url}\n  dashboard  {dashboard}  (opens once)\n");
        let browser = Browser::start(&shop_url, self.headless || !has_display())?;
        if self.open {
            open(&shop_url)?;
            open(&dashboard)?;
        }
        Ok(Cast {
            site,
            edge,
            shop,
            browser,
            visitors,
            following,
            serving,
            visiting,
        })
    }

    /// Shows how it goes until it is to end. Fails as soon as anything has ended that should not.
    async fn watch(&self, cast: &mut Cast, mut stopped: watch::Receiver<bool>) -> Result<()> {
        let mut status = Status::new();
        let mut ticks = interval(Duration::from_millis(250));
        let began = Instant::now();
        let ended = loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break Ok(()),
                _ = ticks.tick() => {}
            }
            if let Err(error) = cast.check().await {
                break Err(error);
            }
            status.show(&cast.now());
            if self.lasts.is_some_and(|lasts| began.elapsed() >= lasts) {
                break Ok(());
            }
        };
        status.end();
        ended
    }

    async fn end(&self, cast: Cast, ready_s: f64) -> Result<Figures> {
        let Cast {
            site,
            edge,
            shop,
            browser,
            visitors,
            following,
            serving,
            visiting,
        } = cast;
        visiting.await??;
        // The shop answers while the browser's last visitor finishes.
        let sessions = match browser {
            Some(browser) => tokio::task::spawn_blocking(move || browser.end()).await??,
            None => Sessions::default(),
        };
        let last = Instant::now();
        while edge.latency(|latency| latency.waiting()) > 0 && last.elapsed() < LAST_SNAPSHOT {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let decide_ns = bench::prepared_ns()?;
        let mut figures = visitors.tally(|tally| Figures {
            visitors: 0,
            events_sent: 0,
            events_acknowledged: 0,
            events_in_log: 0,
            events_dropped: 0,
            events_mistaken: 0,
            events_rejected: tally.counts.rejected.clone(),
            events_sent_twice: 0,
            duplicates: 0,
            models_published: models(&edge),
            event_to_edge_ms: edge.latency(|latency| latency.summary()),
            reward_per_visitor: tally.reward(),
            best_arm_share_by_segment: tally.best_arm_shares(),
            arms: tally.arms.clone(),
            browser_sessions: 0,
            browser_errors: Vec::new(),
            decide_ns,
            first_build_s: self.first_build_s,
            ready_s,
            rate: self.rate,
            seconds: 0.0,
        });
        visitors.tally(|tally| figures.count(&tally.counts, &sessions, shop.reported()));
        figures.seconds = self.started.elapsed().as_secs_f64() - ready_s;
        figures.events_in_log = log::distinct_events(&site)?;
        following.abort();
        serving.abort();
        site.end()?;
        Ok(figures)
    }
}

impl Cast {
    fn now(&self) -> Now {
        let (counts, reward) = self
            .visitors
            .tally(|tally| (tally.counts.clone(), tally.reward()));
        Now {
            counts,
            reward,
            latency: self.edge.latency(|latency| latency.recent()),
            models: models(&self.edge),
            browser_sessions: self.browser.as_ref().map_or(0, |browser| browser.seen().ended),
        }
    }

    async fn check(&mut self) -> Result<()> {
        self.site.check()?;
        if let Some(browser) = &mut self.browser {
            browser.check()?;
        }
        for (what, task) in [
            ("following the stream", &mut self.following),
            ("the shop's server", &mut self.serving),
            ("the simulated visitors", &mut self.visiting),
        ] {
            if task.is_finished() {
                task.await?.with_context(|| what.to_owned())?;
                bail!("{what} ended by itself");
            }
        }
        Ok(())
    }
}

/// How many models have been published: the lower half of the version counts them, and the epoch of a fresh site is its
/// only one.
fn models(edge: &Edge) -> u64 {
    edge.weights().version & u64::from(u32::MAX)
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

fn open(url: &str) -> Result<()> {
    let mut opener = Command::new("xdg-open");
    opener
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The person's browser is theirs: it is not ended with the demo.
    opener
        .spawn()
        .map(drop)
        .with_context(|| format!("xdg-open is needed to open {url}; on Debian: apt-get install -y xdg-utils"))
}
