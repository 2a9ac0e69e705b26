//! The log and the hub as the collector file wants them: of a collector by itself, or of one among several over one Kafka.

use std::sync::Arc;
#[cfg(feature = "kafka")]
use std::time::Duration;

use crate::{
    cli::Failure,
    cluster::Company,
    config::{Config, LogKind},
    experiments::{ActionStore, FileActions, Revisions, Watcher},
    hub::{self, Hub, Press},
    keys::Keys,
    log::{self, EmbeddedLog, EventLog, LogClock},
    metrics::Metrics,
};

/// How long what the others have published may take to be read before the doors open. A topic of models is some hundred megabytes
/// at most, of which most was read before.
#[cfg(feature = "kafka")]
const READ: Duration = Duration::from_secs(60);
#[cfg(feature = "kafka")]
const NONE: Duration = Duration::ZERO;

/// What depends on whether there are others.
pub(super) struct Ground {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) hub: Arc<Hub>,
    pub(super) press: Arc<dyn Press>,
    pub(super) actions: Arc<dyn ActionStore>,
    pub(super) company: Option<Arc<dyn Company>>,
    #[cfg(feature = "kafka")]
    pub(super) cluster: Option<Arc<crate::cluster::Cluster>>,
}

impl Ground {
    pub(super) fn open(
        config: &Config,
        keys: &Arc<Keys>,
        watcher: &Watcher,
        revisions: &Arc<Revisions>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Failure> {
        match config.log.kind {
            LogKind::Embedded => Self::alone(config, keys, watcher, metrics),
            #[cfg(feature = "kafka")]
            LogKind::Kafka => Self::among_others(config, keys, watcher, revisions, metrics),
            // The configuration is refused before this.
            #[cfg(not(feature = "kafka"))]
            LogKind::Kafka => {
                let _ = revisions;
                Err(anyhow::anyhow!("this build has no Kafka").into())
            }
        }
    }

    fn alone(
        config: &Config,
        keys: &Arc<Keys>,
        watcher: &Watcher,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Failure> {
        let options = log::Options {
            max_bytes: config.log.max_bytes.bytes(),
            ..log::Options::at(config.log_folder())
        };
        let log = Arc::new(EmbeddedLog::open(&options, LogClock::system(), metrics.clone())?);
        let options = hub_options(config, longest_window_ms(watcher));
        let hub = Arc::new(Hub::open(
            options,
            keys.clone(),
            log.clock().clone(),
            metrics.clone(),
        )?);
        Ok(Self {
            log,
            press: hub.clone(),
            hub,
            actions: Arc::new(FileActions::open(&config.actions_file())?),
            company: None,
            #[cfg(feature = "kafka")]
            cluster: None,
        })
    }

    #[cfg(feature = "kafka")]
    fn among_others(
        config: &Config,
        keys: &Arc<Keys>,
        watcher: &Watcher,
        revisions: &Arc<Revisions>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Failure> {
        use crate::{
            cluster::{self, Cluster},
            history::Histories,
        };
        let kafka = log::kafka::Options::of(config);
        let log = log::kafka::KafkaLog::open(&kafka, LogClock::system(), metrics.clone())?;
        let log = Arc::new(log);
        let published = revisions.all();
        let published = published.iter().map(|(_, revision)| revision.longest_window_ms());
        let longest_ms = published.max().unwrap_or(0).max(longest_window_ms(watcher));
        let hub = Arc::new(Hub::open_shared(
            hub_options(config, longest_ms),
            keys.clone(),
            log.clock().clone(),
            metrics.clone(),
        )?);
        let options = cluster::Options {
            kafka,
            site: config.site.clone(),
            collector: log.collector().to_owned(),
            text: watcher.text().to_owned(),
            actions: FileActions::read(&config.actions_file())?,
            histories: Histories::at(config.history_folder()),
        };
        // Who has just waited in vain for a broker need not wait again.
        let patience = if log.warnings().is_empty() { READ } else { NONE };
        let clock = log.clock().clone();
        let cluster = Cluster::start(options, &hub, revisions, clock, metrics, patience)
            .map_err(|why| anyhow::anyhow!(why))?;
        Ok(Self {
            log,
            hub,
            press: cluster.press(),
            actions: cluster.clone(),
            company: Some(cluster.clone()),
            cluster: Some(cluster),
        })
    }
}

fn hub_options(config: &Config, longest_window_ms: u64) -> hub::Options {
    hub::Options {
        path: config.snapshots_folder(),
        site: config.site.clone(),
        named_for_ms: longest_window_ms + config.trainer.lateness.ms(),
    }
}

fn longest_window_ms(watcher: &Watcher) -> u64 {
    let definitions = watcher.experiments().definitions.iter();
    let windows = definitions.map(|definition| definition.revision.longest_window_ms());
    windows.max().unwrap_or(0)
}
