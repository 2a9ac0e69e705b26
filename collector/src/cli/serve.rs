//! `tiltwise serve`: everything wired together. Only here do the doors, the log, the hub and what learns know of each other.

use std::{fs, sync::Arc, thread, time::Duration};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{Failure, Settings, start_diagnostics};
use crate::{
    cluster::Company,
    config::{Config, Gpc, LogKind},
    experiments::{FileActions, Revisions, Watcher, watch::EVERY},
    history::Shelf,
    http::{
        admin::{self, Office},
        public::{Doors, Front, Limits},
        server,
    },
    hub::Hub,
    keys::Keys,
    log::{self, EmbeddedLog, EventLog, LogClock, Sources, retention::Retention},
    metrics::Metrics,
    trainer::{self, Trainer},
};
use company::Ground;
use site::Site;
use standings::Standings;
use tiltwise_core::join::Params;

mod company;
mod site;
mod standings;

/// The first snapshot comes with the first tick of the log.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(5);

/// Run the collector: take events, keep them, learn from them, and tell every page.
///
/// Everything is checked before anything listens. The experiment file is read again when it changes; a broken edit keeps
/// the last good one and says so. Ends cleanly on SIGTERM and Ctrl-C: stops accepting, commits, answers what is in flight.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise serve
  tiltwise serve --config shop.toml
  tiltwise serve --listen 0.0.0.0:8080 --set http.allowed_origins=https://shop.example

Prints \"public http://…\" and \"admin http://…\" once both listen. `tiltwise status` gives the dashboard's address.

Exit codes: 0 it was told to stop; 1 it could not go on; 3 a file says something wrong.")]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    start_diagnostics(&config.diagnostics)?;
    let parts = Parts::open(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(&config, &parts));
    // Readers of the log are gone before it closes.
    runtime.shutdown_timeout(Duration::from_secs(5));
    if let Some(company) = &parts.company {
        company.stop();
    }
    parts.trainer.stop();
    parts.log.close();
    served
}

/// What a collector is made of.
struct Parts {
    log: Arc<dyn EventLog>,
    hub: Arc<Hub>,
    keys: Arc<Keys>,
    metrics: Arc<Metrics>,
    trainer: Arc<Trainer>,
    site: Arc<Site>,
    company: Option<Arc<dyn Company>>,
    #[cfg(feature = "kafka")]
    #[expect(dead_code, reason = "it rewrites as long as it is held")]
    plain: Option<log::kafka::Plain>,
}

impl Parts {
    fn open(config: &Config) -> Result<Self, Failure> {
        let data = &config.log.path;
        fs::create_dir_all(data).with_context(|| format!("{}: cannot be made", data.display()))?;
        let metrics = Arc::new(Metrics::new());
        let lifetime_ms = config.privacy.visitor_lifetime.ms();
        let keys = Arc::new(Keys::open(&config.keys, &config.admin_token_file(), lifetime_ms)?);
        let said = FileActions::read(&config.actions_file())?;
        // Where there are others, what holds is known only once they were heard.
        let said = if config.log.kind == LogKind::Kafka {
            Vec::new()
        } else {
            said
        };
        let watcher = Watcher::start(&config.experiments, &config.site, &said).map_err(Failure::Refused)?;
        let revisions = Arc::new(Revisions::open(&config.revisions_folder())?);
        #[cfg(feature = "kafka")]
        let plain = plain_topics(config, &revisions, &metrics)?;
        let ground = Ground::open(config, &keys, &watcher, &revisions, &metrics)?;
        let (log, hub) = (ground.log, ground.hub);
        let gpc_limits = config.privacy.gpc == Gpc::Limit;
        let shelf = Shelf::open(config.history_folder());
        let company = ground.company;
        let standings = Arc::new(Standings::new(
            watcher,
            ground.actions,
            shelf,
            gpc_limits,
            company.clone(),
        ));
        let trainer = Arc::new(Trainer::start(
            trainer::Parts {
                log: log.clone(),
                hub: hub.clone(),
                press: ground.press,
                metrics: metrics.clone(),
                revisions,
                steward: Some(standings.clone()),
            },
            trainer_options(config),
            standings.plan(),
        )?);
        let site = Arc::new(Site::new(
            standings,
            trainer.clone(),
            hub.clone(),
            log.clone(),
            company.clone(),
        ));
        #[cfg(feature = "kafka")]
        if let Some(cluster) = ground.cluster {
            let site = site.clone();
            let joined = cluster.join(Box::new(move || site.replan()));
            joined.map_err(|why| anyhow::anyhow!(why))?;
        }
        // The doors open with a snapshot to give; where the disk is full there is none, and they say so themselves.
        if !site.wait_first(FIRST_SNAPSHOT) {
            tracing::warn!("no snapshot yet");
        }
        Ok(Self {
            log,
            hub,
            keys,
            metrics,
            trainer,
            site,
            company,
            #[cfg(feature = "kafka")]
            plain,
        })
    }
}

/// What rewrites the topic for readers of one event a record, where that is asked for.
#[cfg(feature = "kafka")]
fn plain_topics(
    config: &Config,
    revisions: &Arc<Revisions>,
    metrics: &Arc<Metrics>,
) -> Result<Option<log::kafka::Plain>, Failure> {
    if config.log.kind != LogKind::Kafka || !config.kafka.plain_topics {
        return Ok(None);
    }
    let revisions = revisions.clone();
    let known = Box::new(move |id| revisions.get(id));
    let options = log::kafka::Options::of(config);
    Ok(Some(log::kafka::Plain::start(&options, known, metrics.clone())?))
}

/// A log that is only read.
pub(super) struct Reading {
    pub(super) sources: Sources,
    /// What has to be closed afterwards.
    log: Option<EmbeddedLog>,
}

impl Reading {
    pub(super) fn close(self) {
        if let Some(log) = self.log {
            log.close();
        }
    }
}

/// The same log, for a command that only reads. A topic may be read beside its collectors; a folder belongs to one process.
pub(super) fn read_log(config: &Config) -> Result<Reading, Failure> {
    #[cfg(feature = "kafka")]
    if config.log.kind == LogKind::Kafka {
        let sources = log::kafka::read(&log::kafka::Options::of(config))?;
        return Ok(Reading { sources, log: None });
    }
    let folder = config.log_folder();
    if !folder.exists() {
        return Err(anyhow::anyhow!(
            "{}: there is no log yet. `tiltwise serve` makes it",
            folder.display()
        )
        .into());
    }
    let log = EmbeddedLog::open(&log::Options::at(folder), LogClock::system(), Arc::default())
        .context("stop the collector first: the log in a folder belongs to one process")?;
    Ok(Reading {
        sources: log.sources(),
        log: Some(log),
    })
}

/// How the join waits, and how the trainer keeps what it knows.
pub(super) fn trainer_options(config: &Config) -> trainer::Options {
    let retention_ms = config.log.retention.ms();
    trainer::Options {
        folder: config.state_folder(),
        params: Params {
            lateness_ms: config.trainer.lateness.ms(),
            disorder_ms: config.trainer.disorder.ms(),
            mark_ms: retention_ms.max(config.trainer.disorder.ms()),
            ..Params::default()
        },
        // A topic lets go of its records by itself.
        retention: (config.log.kind == LogKind::Embedded).then_some(Retention {
            keep_ms: retention_ms,
            max_bytes: config.log.max_bytes.bytes(),
        }),
        checkpoint_every: trainer::Options::CHECKPOINT_EVERY,
    }
}

async fn serve(config: &Config, parts: &Parts) -> Result<(), Failure> {
    let stopping = watch::Sender::new(false);
    let public = bind(config.http.listen).await?;
    let admin = bind(config.admin.listen).await?;
    // Before anybody is told that it runs: who stops it at once should find it stopped, and not killed.
    let told = told_to_stop()?;
    println!(
        "public http://{}{}",
        public.local_addr()?,
        config.http.prefix.as_str()
    );
    println!("admin http://{}", admin.local_addr()?);

    let stop = || {
        let mut stopping = stopping.subscribe();
        async move { drop(stopping.wait_for(|stopping| *stopping).await) }
    };
    let patience = config.limits.header_timeout.duration();
    let front = Front::new(
        doors(config, parts, &stopping),
        &config.http.prefix,
        config.http.allowed_origins.clone(),
    );
    let office = admin::service(office(config, parts, &stopping));
    let doors = tokio::spawn(server::serve(
        public,
        move |peer| front.answers(peer),
        patience,
        stop(),
    ));
    let office = tokio::spawn(server::serve(admin, move |_| office.clone(), patience, stop()));
    let keeper = keep(parts, stopping.subscribe())?;

    told.await;
    tracing::info!("stopping");
    stopping.send_replace(true);
    doors.await?;
    office.await?;
    // Its turns are a second long.
    tokio::task::spawn_blocking(move || keeper.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the keeper had died"))?;
    Ok(())
}

/// Looks after what changes by itself or by a person's hand, once a second: the experiment file, imports, and the keys.
fn keep(parts: &Parts, stopping: watch::Receiver<bool>) -> std::io::Result<thread::JoinHandle<()>> {
    let (site, keys, log) = (parts.site.clone(), parts.keys.clone(), parts.log.clone());
    thread::Builder::new().name("keeper".to_owned()).spawn(move || {
        while !*stopping.borrow() {
            thread::sleep(EVERY);
            if let Err(error) = keys.refresh(log.clock().now_ms()) {
                tracing::error!(%error, "the keys could not be read again");
            }
            if let Err(error) = site.look() {
                tracing::error!(%error, "the experiments could not be published");
            }
        }
    })
}

fn doors(config: &Config, parts: &Parts, stopping: &watch::Sender<bool>) -> Doors {
    let limits = &config.limits;
    Doors {
        log: parts.log.clone(),
        hub: parts.hub.clone(),
        keys: parts.keys.clone(),
        metrics: parts.metrics.clone(),
        limits: Limits {
            body_bytes: limits.body.len(),
            inflated_bytes: limits.inflated_body.len(),
            batch_events: limits.batch_events,
            event_bytes: limits.event.len(),
            body_timeout: limits.body_timeout.duration(),
            in_flight: limits.in_flight,
            streams: limits.streams,
            streams_per_address: limits.streams_per_address,
        },
        trusted_proxies: config.http.trusted_proxies.clone(),
        gpc_limits: config.privacy.gpc == Gpc::Limit,
        stopping: stopping.subscribe(),
    }
}

fn office(config: &Config, parts: &Parts, stopping: &watch::Sender<bool>) -> Office {
    Office {
        site: config.site.clone(),
        log: parts.log.clone(),
        hub: parts.hub.clone(),
        keys: parts.keys.clone(),
        metrics: parts.metrics.clone(),
        desk: parts.site.clone(),
        stopping: stopping.subscribe(),
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    Ok(bound.with_context(|| {
        format!("{address}: cannot listen there. Choose another with --listen or --admin-listen")
    })?)
}

/// Listens from the call on, and not only once it is awaited.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => (),
            _ = interrupted.recv() => (),
        }
    })
}
