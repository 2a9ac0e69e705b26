//! The tables of the collector file, each with its defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::Config;
use super::document::Node;
use super::kafka::Mechanism;
use super::network::{Origins, Prefix};
use super::problems::{Place, Problem, Problems};
use super::section::Section;
use super::setting::{Misfit, Setting, one_of};
use super::units::{ByteSize, Span};

/// `http`: the public listener.
#[derive(Debug, Clone)]
pub struct Http {
    /// Default "127.0.0.1:8080": a collector is open to the world only when told so.
    pub listen: SocketAddr,
    /// Before every public path. Default "".
    pub prefix: Prefix,
    /// Default []: pages of the same origin only.
    pub allowed_origins: Origins,
    /// Proxies in front of the collector, whose `X-Forwarded-For` or `Forwarded` is believed: by it the streams of a client
    /// are counted (`limits.streams_per_address`). Default [].
    pub trusted_proxies: Vec<IpNet>,
}

/// `admin`: the listener of the dashboard, of metrics and of the admin API.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Default "127.0.0.1:8081".
    pub listen: SocketAddr,
    /// Default: `admin.token` in the keys folder.
    pub token_file: Option<PathBuf>,
}

/// `log`: the durable record.
#[derive(Debug, Clone)]
pub struct Log {
    /// "embedded", in the data folder, or "kafka", where the table `kafka` says. Default "embedded".
    pub kind: LogKind,
    /// The data folder: log, state, snapshots, revisions, actions. Default "data".
    pub path: PathBuf,
    /// How long events are kept; with Kafka, what `tiltwise topics create` sets and how long erasures are remembered.
    /// Default "28d".
    pub retention: Span,
    /// How much disk an embedded log may take. Default "20GB".
    pub max_bytes: ByteSize,
}

/// Where the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    Embedded,
    Kafka,
}

/// `trainer`: what folds events and fits models, embedded in this process.
#[derive(Debug, Clone)]
pub struct Trainer {
    /// How late an outcome may be received beyond its window. Default "1h".
    pub lateness: Span,
    /// How far behind the log's clock a record may be. Default "6h".
    pub disorder: Span,
}

/// `privacy`.
#[derive(Debug, Clone)]
pub struct Privacy {
    /// What `Sec-GPC: 1` means. Default "limit".
    pub gpc: Gpc,
    /// How long after its week a visitor id is known by a pseudonym; then the week's key is destroyed and the id refused.
    /// Default "395d": thirteen months, the longest life that European regulators grant an audience cookie.
    pub visitor_lifetime: Span,
}

/// What a Global Privacy Control signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gpc {
    /// It denies personalization: no attribute is read, stored or sent.
    Limit,
    /// It changes nothing; consent is asked for elsewhere.
    Ignore,
}

/// `limits`: what one collector takes on. The defaults suit one machine with two cores.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The body of a request as sent. Default "1MB".
    pub body: ByteSize,
    /// The body after decompression, checked while inflating. Default "5MB".
    pub inflated_body: ByteSize,
    /// Events in a batch. Default 500.
    pub batch_events: usize,
    /// One event. Default "8kB".
    pub event: ByteSize,
    /// Time for a request's headers to arrive. Default "5s".
    pub header_timeout: Span,
    /// Time for a request's body to arrive. Default "10s".
    pub body_timeout: Span,
    /// Event batches worked on at once; further ones are told to come back. Default 256.
    pub in_flight: usize,
    /// Pages that listen to the stream at once. Default 10000.
    pub streams: usize,
    /// Of those so many from one client's address (of IPv6: from one network of 64 bits). Default 1000, a tenth: one client
    /// cannot take them all, and an office behind one address has room.
    pub streams_per_address: usize,
}

/// `diagnostics`: what the collector says about itself on standard error.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    /// "info", or directives like "info,tiltwise_collector::trainer=debug". Default "info".
    pub level: String,
    /// Default "text".
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Http {
    pub(super) fn read(problems: &mut Problems, top: &mut Section) -> Self {
        let mut table = top.section(problems, "http");
        let http = Self {
            listen: table.get_or(problems, "listen", SocketAddr::from(([127, 0, 0, 1], 8080))),
            prefix: table.get_or(problems, "prefix", Prefix::default()),
            allowed_origins: table.get_or(problems, "allowed_origins", Origins::default()),
            trusted_proxies: table.get_or(problems, "trusted_proxies", Vec::new()),
        };
        table.finish(problems);
        http
    }
}

impl Admin {
    pub(super) fn read(problems: &mut Problems, top: &mut Section, folder: &Path) -> Self {
        let mut table = top.section(problems, "admin");
        let admin = Self {
            listen: table.get_or(problems, "listen", SocketAddr::from(([127, 0, 0, 1], 8081))),
            token_file: table.path(problems, "token_file", folder),
        };
        table.finish(problems);
        admin
    }
}

impl Log {
    pub(super) fn read(problems: &mut Problems, top: &mut Section, folder: &Path) -> Self {
        let mut table = top.section(problems, "log");
        let log = Self {
            kind: log_kind(problems, &mut table),
            path: table
                .path(problems, "path", folder)
                .unwrap_or_else(|| folder.join("data")),
            retention: at_least(
                problems,
                &mut table,
                "retention",
                Span::from_days(28),
                Span::from_days(1),
            ),
            max_bytes: at_least(
                problems,
                &mut table,
                "max_bytes",
                ByteSize::from_bytes(20_000_000_000),
                ByteSize::from_bytes(64_000_000),
            ),
        };
        table.finish(problems);
        log
    }
}

impl Trainer {
    pub(super) fn read(problems: &mut Problems, top: &mut Section) -> Self {
        let mut table = top.section(problems, "trainer");
        embedded_only(
            problems,
            &mut table,
            "flink",
            "the Flink job folds, but no collector can fit from its sums yet",
            "Write kind = \"embedded\", which trains in this process",
        );
        let trainer = Self {
            lateness: at_least(
                problems,
                &mut table,
                "lateness",
                Span::from_secs(3_600),
                Span::from_ms(0),
            ),
            disorder: at_least(
                problems,
                &mut table,
                "disorder",
                Span::from_secs(6 * 3_600),
                Span::from_secs(1),
            ),
        };
        table.finish(problems);
        trainer
    }
}

impl Privacy {
    pub(super) fn read(problems: &mut Problems, top: &mut Section) -> Self {
        let mut table = top.section(problems, "privacy");
        let privacy = Self {
            gpc: table.get_or(problems, "gpc", Gpc::Limit),
            visitor_lifetime: at_least(
                problems,
                &mut table,
                "visitor_lifetime",
                Span::from_days(395),
                Span::from_days(7),
            ),
        };
        table.finish(problems);
        privacy
    }
}

impl Limits {
    pub(super) fn read(problems: &mut Problems, top: &mut Section) -> Self {
        let mut table = top.section(problems, "limits");
        let bytes = ByteSize::from_bytes;
        let limits = Self {
            body: at_least(problems, &mut table, "body", bytes(1_000_000), bytes(60_000)),
            inflated_body: at_least(
                problems,
                &mut table,
                "inflated_body",
                bytes(5_000_000),
                bytes(60_000),
            ),
            batch_events: at_least(problems, &mut table, "batch_events", 500, 1),
            event: at_least(problems, &mut table, "event", bytes(8_000), bytes(512)),
            header_timeout: at_least(
                problems,
                &mut table,
                "header_timeout",
                Span::from_secs(5),
                Span::from_ms(100),
            ),
            body_timeout: at_least(
                problems,
                &mut table,
                "body_timeout",
                Span::from_secs(10),
                Span::from_ms(100),
            ),
            in_flight: at_least(problems, &mut table, "in_flight", 256, 1),
            streams: at_least(problems, &mut table, "streams", 10_000, 1),
            streams_per_address: at_least(problems, &mut table, "streams_per_address", 1_000, 1),
        };
        table.finish(problems);
        limits
    }
}

impl Diagnostics {
    pub(super) fn read(problems: &mut Problems, top: &mut Section) -> Self {
        let mut table = top.section(problems, "diagnostics");
        let diagnostics = Self {
            level: table.get_or(problems, "level", "info".to_owned()),
            format: table.get_or(problems, "format", Format::Text),
        };
        table.finish(problems);
        diagnostics
    }
}

impl Setting for Gpc {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(node, &[("limit", Self::Limit), ("ignore", Self::Ignore)])
    }
}

impl Setting for Format {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(node, &[("text", Self::Text), ("json", Self::Json)])
    }
}

/// `kind` of the log, where this build has it.
fn log_kind(problems: &mut Problems, table: &mut Section) -> LogKind {
    let Some(kind) = table.found::<String>(problems, "kind") else {
        return LogKind::Embedded;
    };
    match one_of(
        &kind.node,
        &[("embedded", LogKind::Embedded), ("kafka", LogKind::Kafka)],
    ) {
        Ok(LogKind::Kafka) if !cfg!(feature = "kafka") => {
            kind.reject(
                problems,
                "cannot be served: this build has no Kafka",
                "Build it with `cargo build --release --package tiltwise-collector --features kafka-tls`, or write \
                 kind = \"embedded\", which keeps the log on this machine",
            );
            LogKind::Embedded
        }
        Ok(found) => found,
        Err(misfit) => {
            kind.reject(problems, misfit.what, misfit.remedy);
            LogKind::Embedded
        }
    }
}

/// What only two tables together can get wrong.
pub(super) fn check_together(problems: &mut Problems, config: &Config) {
    let mut clash = |setting: &str, what: String, remedy: &str| {
        problems.push(Problem {
            at: Place::File {
                file: config.file_name().into(),
            },
            setting: setting.into(),
            value: None,
            what,
            remedy: remedy.into(),
        });
    };
    // Port 0 asks for any free port, so two of them never clash.
    if config.http.listen == config.admin.listen && config.http.listen.port() != 0 {
        clash(
            "admin.listen",
            format!("is the public address {} too", config.http.listen),
            "Give the admin listener a port of its own, best on 127.0.0.1",
        );
    }
    if config.limits.inflated_body < config.limits.body {
        clash(
            "limits.inflated_body",
            format!(
                "({}) is below limits.body ({})",
                config.limits.inflated_body, config.limits.body
            ),
            "An inflated body is at least as large as the one sent: raise it",
        );
    }
    if config.log.kind == LogKind::Kafka {
        if config.kafka.bootstrap_servers.is_empty() {
            clash(
                "kafka.bootstrap_servers",
                "is missing, and log.kind is \"kafka\"".to_owned(),
                "Name one or more brokers: [\"broker-1:9092\"]",
            );
        }
        let needs_tls = config.kafka.tls.enabled
            || config
                .kafka
                .sasl
                .mechanism
                .is_some_and(|mechanism| mechanism != Mechanism::Plain);
        if needs_tls && !cfg!(feature = "kafka-tls") {
            clash(
                "kafka.tls",
                "(or SASL other than PLAIN) is asked for, and this build has no TLS".to_owned(),
                "Build it with --features kafka-tls, which needs libssl-dev",
            );
        }
    }
    let kept = config.log.retention.ms();
    let needed = config
        .trainer
        .lateness
        .ms()
        .saturating_add(config.trainer.disorder.ms());
    if kept < needed {
        clash(
            "log.retention",
            format!(
                "({}) is below trainer.lateness + trainer.disorder",
                config.log.retention
            ),
            "Keep events at least that long, or they are gone before they count",
        );
    }
}

/// `kind`: "embedded", or the word of what another build has.
fn embedded_only(problems: &mut Problems, table: &mut Section, other: &str, what: &str, remedy: &str) {
    let Some(kind) = table.found::<String>(problems, "kind") else {
        return;
    };
    if kind.value == other {
        kind.reject(problems, format!("cannot be served: {what}"), remedy);
    } else if kind.value != "embedded" {
        kind.reject(
            problems,
            "is not known here",
            format!("Known: \"embedded\", \"{other}\""),
        );
    }
}

pub(super) fn at_least<T: Setting + PartialOrd + Copy + std::fmt::Display>(
    problems: &mut Problems,
    table: &mut Section,
    key: &'static str,
    default: T,
    least: T,
) -> T {
    let Some(found) = table.found::<T>(problems, key) else {
        return default;
    };
    if found.value < least {
        found.reject(problems, "is too small", format!("Write at least {least}"));
    }
    found.value
}
