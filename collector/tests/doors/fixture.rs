//! A collector in this process: real log, hub and keys in a folder of its own, both listeners on free ports.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiltwise_collector::{
    config::{Origins, Prefix},
    http::{
        admin::{self, Desk, Office},
        public::{Doors, Front, Limits},
        server,
    },
    hub::{self, Hub},
    keys::Keys,
    log::{EmbeddedLog, Erased, EventLog, LogClock, Options, Source},
    metrics::Metrics,
    results::Mix,
};
use tiltwise_core::{
    context::{Context, ContextValue},
    decide,
    event::{Body, Event, EventBatch, Exposure, LogRecord, LoggedEvent, Outcome},
    hash::Unit,
    id::{Pseudonym, RevisionId, UnitKind, Visitor},
    model::Model,
    propensity::ONE_Q30,
    revision::{Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant},
    snapshot::{Experiment, Phase, SnapshotContent},
};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

pub const LIMITS: Limits = Limits {
    body_bytes: 1_000_000,
    inflated_bytes: 5_000_000,
    batch_events: 500,
    event_bytes: 8_000,
    body_timeout: Duration::from_secs(10),
    in_flight: 256,
    streams: 3,
    streams_per_address: 1_000,
};

pub struct Collector {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub log: Arc<EmbeddedLog>,
    pub hub: Arc<Hub>,
    pub keys: Arc<Keys>,
    pub metrics: Arc<Metrics>,
    stopping: watch::Sender<bool>,
    runtime: Option<Runtime>,
    _folder: TempDir,
}

pub struct Setup {
    pub limits: Limits,
    pub trusted_proxies: Vec<IpNet>,
    pub header_timeout: Duration,
    pub origins: Origins,
}

impl Default for Setup {
    fn default() -> Self {
        let origins = Origins::These(vec!["https://shop.example".to_owned()]);
        Self {
            limits: LIMITS,
            trusted_proxies: Vec::new(),
            header_timeout: Duration::from_secs(5),
            origins,
        }
    }
}

impl Collector {
    pub fn start() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys_folder = folder.path().join("keys");
        let token_file = keys_folder.join("admin.token");
        Keys::init(&keys_folder, &token_file).unwrap();
        let keys = Arc::new(Keys::open(&keys_folder, &token_file, 395 * 86_400_000).unwrap());
        let metrics = Arc::new(Metrics::new());
        let log_options = Options {
            reserve_bytes: 0,
            ..Options::at(folder.path().join("log"))
        };
        let log = Arc::new(EmbeddedLog::open(&log_options, LogClock::system(), metrics.clone()).unwrap());
        let hub_options = hub::Options {
            path: folder.path().join("hub"),
            site: "shop".to_owned(),
            named_for_ms: 7_200_000,
        };
        let hub =
            Arc::new(Hub::open(hub_options, keys.clone(), log.clock().clone(), metrics.clone()).unwrap());
        let stopping = watch::Sender::new(false);
        let doors = Doors {
            log: log.clone(),
            hub: hub.clone(),
            keys: keys.clone(),
            metrics: metrics.clone(),
            limits: setup.limits,
            trusted_proxies: setup.trusted_proxies,
            gpc_limits: true,
            stopping: stopping.subscribe(),
        };
        let office = Office {
            site: "shop".to_owned(),
            log: log.clone(),
            hub: hub.clone(),
            keys: keys.clone(),
            metrics: metrics.clone(),
            desk: Arc::new(PlainDesk(log.clone())),
            stopping: stopping.subscribe(),
        };
        let runtime = Runtime::new().unwrap();
        let (public, admin) = runtime.block_on(async {
            let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addresses = (public.local_addr().unwrap(), admin.local_addr().unwrap());
            let stop = || {
                let mut stopped = stopping.subscribe();
                async move { drop(stopped.wait_for(|stopping| *stopping).await) }
            };
            let front = Front::new(doors, &Prefix::default(), setup.origins);
            let meet = move |peer| front.answers(peer);
            tokio::spawn(server::serve(public, meet, setup.header_timeout, stop()));
            let office = admin::service(office);
            let meet = move |_| office.clone();
            tokio::spawn(server::serve(admin, meet, setup.header_timeout, stop()));
            addresses
        });
        Self {
            public,
            admin,
            log,
            hub,
            keys,
            metrics,
            stopping,
            runtime: Some(runtime),
            _folder: folder,
        }
    }

    pub fn publish(&self, content: &SnapshotContent) -> u64 {
        self.hub
            .publish(&content.encode(), self.log.clock().now_ms())
            .unwrap()
    }

    pub fn token(&self) -> String {
        format!("Bearer {}", self.keys.admin.expose())
    }

    /// Tells everything to stop, without waiting.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Everything in the log.
    pub fn events(&self) -> Vec<LoggedEvent> {
        let records = self.log.read_from(self.log.first(), usize::MAX).unwrap();
        records
            .iter()
            .flat_map(|record| LogRecord::decode(record.bytes()).unwrap().events)
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// A desk with nothing on it but the log.
struct PlainDesk(Arc<EmbeddedLog>);

impl Desk for PlainDesk {
    fn experiments(&self) -> Value {
        json!([])
    }

    fn results(&self, policy: Option<&Mix>) -> Value {
        json!({ "experiments": [], "asked": policy.map(ToString::to_string) })
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    fn act(&self, action: Value) -> Result<Value, String> {
        if action.get("kind").is_some() {
            Ok(action)
        } else {
            Err("an action needs a kind".to_owned())
        }
    }

    fn erase(&self, unit: Pseudonym, through_ms: u64) -> Result<Erased, String> {
        self.0.erase(unit, through_ms).map_err(|error| error.to_string())
    }
}

/// One experiment with two arms, split evenly, whose `device` is an attribute.
pub fn content() -> SnapshotContent {
    let variant = |key: &str| Variant {
        key: key.to_owned(),
        value: "true".to_owned(),
    };
    let revision = Revision {
        key: "hero".to_owned(),
        salt: [7; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: vec![variant("calm"), variant("bold")],
        when: Condition::always(),
        attributes: vec![Attribute {
            name: "device".to_owned(),
            kind: AttributeKind::Categorical,
            hidden: false,
        }],
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: ONE_Q30 / 100,
            weights_q30: vec![],
        },
        metrics: vec![Metric::rate("signup", 60_000)],
        half_life_ms: 0,
        bucket_ms: 60_000,
        fine_ms: 5_000,
        horizon_units: 0,
    };
    let revision_id = RevisionId(77);
    let experiment = Experiment {
        revision_id,
        revision,
        stopped: vec![],
        phase: Phase::Running,
        model: Model::default(),
    };
    SnapshotContent {
        experiments: vec![experiment],
        gpc_limits: true,
    }
}

pub fn visitor(n: u8) -> Visitor {
    // A week that has begun, wherever in the year the test runs.
    Visitor::mint(LogClock::system().now_ms(), [n; 16])
}

/// The decision that an edge with this snapshot makes for a visitor on a phone.
pub fn exposure(content: &SnapshotContent, version: u64, visitor: &Visitor) -> Exposure {
    let mut context = Context::new();
    context.set("device", ContextValue::Text("phone".to_owned()));
    let experiment = &content.experiments[0];
    let prepared = decide::prepare(experiment, &context, true);
    decide::decide(experiment, &prepared, version, Unit::Visitor(visitor), 1).unwrap()
}

pub fn outcome(id: &str, visitor: Option<Visitor>) -> Vec<u8> {
    let body = Body::Outcome(Outcome {
        name: "signup",
        value: 1.0,
        currency: "",
        id: "",
    });
    Event {
        made_ms: 0,
        body,
        id,
        visitor,
        account: "",
    }
    .encode()
}

pub fn exposed(exposure: Exposure) -> Vec<u8> {
    Event {
        made_ms: 0,
        body: Body::Exposure(exposure),
        id: "",
        visitor: None,
        account: "",
    }
    .encode()
}

pub fn batch(sequence: u32, visitor: Visitor, events: &[Vec<u8>]) -> Vec<u8> {
    let events = events.iter().map(Vec::as_slice).collect();
    EventBatch {
        session: &[9; 16],
        sequence,
        sent_ms: 5,
        visitor: Some(visitor),
        events,
        ..EventBatch::default()
    }
    .encode()
}
