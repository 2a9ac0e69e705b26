//! `kafka`: how the log is kept in a topic. Read and checked whatever `log.kind` says, so that a file for a larger
//! installation reads here too.

use std::path::{Path, PathBuf};

use super::document::{Node, Value};
use super::problems::{Problem, Problems};
use super::section::Section;
use super::setting::{Misfit, Setting, one_of};
use super::tables::at_least;
use super::units::{ByteSize, Span};

/// `kafka`.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// "host:port" of some brokers; the others are learned from these. No default: `log.kind = "kafka"` needs it.
    pub bootstrap_servers: Vec<String>,
    /// Before every topic's name. Default "tiltwise.".
    pub topic_prefix: String,
    /// How many partitions `events` has: a power of two up to 256, fixed when the topic is made. Default 16.
    pub partitions: usize,
    /// On how many brokers each record lies; `tiltwise topics create` makes the topics so. Default 3.
    pub replication: u64,
    /// What an acknowledgement promises. Default "broker-then-spool".
    pub ack: Ack,
    /// How long the broker is waited for before the spool takes over; with ack = "broker", before a sender is told to come
    /// back. Default "100ms", or "10s" with ack = "broker".
    pub ack_timeout: Option<Span>,
    /// How much disk the spool of what was not sent on yet may take; above it senders are told to come back. Default "2GB".
    pub spool_max_bytes: ByteSize,
    /// How this collector is called in the headers of its records: 1 to 64 letters, digits, dots, hyphens or underscores.
    /// Default: a random name that is kept with the spool. Two collectors must not share one.
    pub collector: Option<String>,
    /// How records are compressed: "zstd", "lz4", "none". Default "zstd".
    pub compression: Compression,
    /// Whether events are also written one a record, as JSON, to the topics `exposures` and `outcomes`. Default false.
    pub plain_topics: bool,
    pub tls: Tls,
    pub sasl: Sasl,
    /// Settings of librdkafka, handed through as they are; what stands here wins.
    pub properties: Vec<(String, String)>,
}

/// When a sender is told that its events are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ack {
    /// When all in-sync replicas have them; or, where that takes longer than `ack_timeout`, this collector's own disk.
    #[default]
    BrokerThenSpool,
    /// When all in-sync replicas have them, and never otherwise. Nothing is kept on this machine's disk.
    Broker,
    /// When this collector's own disk has them: the quickest, and lost with the disk until they were sent on.
    Spool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    Zstd,
    Lz4,
    None,
}

/// `kafka.tls`: the connection to the brokers is encrypted where this table is there.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Default: whether the table is there.
    pub enabled: bool,
    /// Certificates (PEM) that sign the brokers'. Default: the machine's own store.
    pub ca_file: Option<PathBuf>,
    /// This collector's certificate and key (PEM), where brokers ask for one.
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Whether a broker's name must be in its certificate. Default true.
    pub verify_names: bool,
}

/// `kafka.sasl`: who this collector says it is.
#[derive(Debug, Clone, Default)]
pub struct Sasl {
    pub mechanism: Option<Mechanism>,
    pub username: String,
    /// A file with the password and nothing else.
    pub password_file: Option<PathBuf>,
    /// For OAUTHBEARER: a file with a token (JWT), read again whenever the one before runs out. Whatever fetches tokens
    /// writes it: a projected service account, an agent, a cron job.
    pub token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
    OauthBearer,
}

impl Mechanism {
    /// As librdkafka spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl Kafka {
    pub(super) fn read(problems: &mut Problems, top: &mut Section, folder: &Path) -> Self {
        let mut table = top.section(problems, "kafka");
        let kafka = Self {
            bootstrap_servers: servers(problems, &mut table),
            topic_prefix: table.get_or(problems, "topic_prefix", "tiltwise.".to_owned()),
            partitions: partitions(problems, &mut table),
            replication: table.get_or(problems, "replication", 3),
            ack: table.get_or(problems, "ack", Ack::default()),
            ack_timeout: table.get(problems, "ack_timeout"),
            spool_max_bytes: at_least(
                problems,
                &mut table,
                "spool_max_bytes",
                ByteSize::from_bytes(2_000_000_000),
                ByteSize::from_bytes(100_000),
            ),
            collector: name(problems, &mut table),
            compression: table.get_or(problems, "compression", Compression::default()),
            plain_topics: table.get_or(problems, "plain_topics", false),
            tls: Tls::read(problems, &mut table, folder),
            sasl: Sasl::read(problems, &mut table, folder),
            properties: properties(problems, &mut table),
        };
        table.finish(problems);
        kafka
    }

    /// The name of one of the topics.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }
}

impl Tls {
    fn read(problems: &mut Problems, kafka: &mut Section, folder: &Path) -> Self {
        let mut table = kafka.section(problems, "tls");
        let tls = Self {
            enabled: table.get_or(problems, "enabled", table.is_there()),
            ca_file: table.path(problems, "ca_file", folder),
            cert_file: table.path(problems, "cert_file", folder),
            key_file: table.path(problems, "key_file", folder),
            verify_names: table.get_or(problems, "verify_names", true),
        };
        if tls.cert_file.is_some() != tls.key_file.is_some() {
            problems.push(table.problem(
                "cert_file",
                "and key_file belong together",
                "Name both, or neither",
            ));
        }
        table.finish(problems);
        tls
    }
}

impl Sasl {
    fn read(problems: &mut Problems, kafka: &mut Section, folder: &Path) -> Self {
        let mut table = kafka.section(problems, "sasl");
        let sasl = Self {
            mechanism: table.get(problems, "mechanism"),
            username: table.get_or(problems, "username", String::new()),
            password_file: table.path(problems, "password_file", folder),
            token_file: table.path(problems, "token_file", folder),
        };
        let missing = match sasl.mechanism {
            None if table.is_there() => Some((
                "mechanism",
                "Write \"PLAIN\", \"SCRAM-SHA-256\", \"SCRAM-SHA-512\" or \"OAUTHBEARER\"",
            )),
            Some(Mechanism::OauthBearer) if sasl.token_file.is_none() => {
                Some(("token_file", "Name the file that the token is written to"))
            }
            Some(Mechanism::OauthBearer) | None => None,
            Some(_) if sasl.username.is_empty() => Some(("username", "Name who this collector is")),
            Some(_) if sasl.password_file.is_none() => Some((
                "password_file",
                "Name a file that holds the password and nothing else",
            )),
            Some(_) => None,
        };
        if let Some((key, remedy)) = missing {
            problems.push(table.problem(key, "is missing", remedy));
        }
        table.finish(problems);
        sasl
    }
}

fn servers(problems: &mut Problems, table: &mut Section) -> Vec<String> {
    let Some(found) = table.found::<Vec<String>>(problems, "bootstrap_servers") else {
        return Vec::new();
    };
    let is_address = |server: &String| {
        server
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if let Some(wrong) = found.value.iter().find(|server| !is_address(server)) {
        found.reject(
            problems,
            format!("names {wrong:?}, which is no broker"),
            "Write host and port: \"broker-1:9092\"",
        );
    }
    found.value
}

/// More than one per shard would split shards, and another number than a power of two would not divide them.
fn partitions(problems: &mut Problems, table: &mut Section) -> usize {
    const DEFAULT: usize = 16;
    let Some(found) = table.found::<usize>(problems, "partitions") else {
        return DEFAULT;
    };
    if !found.value.is_power_of_two() || found.value > 256 {
        found.reject(
            problems,
            "is no number of partitions",
            "Write a power of two up to 256, and never change it: units are bound to partitions",
        );
        return DEFAULT;
    }
    found.value
}

fn name(problems: &mut Problems, table: &mut Section) -> Option<String> {
    let found = table.found::<String>(problems, "collector")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if found.value.is_empty() || found.value.len() > 64 || !found.value.chars().all(plain) {
        found.reject(
            problems,
            "is no name",
            "Use 1 to 64 letters, digits, dots, hyphens or underscores",
        );
    }
    Some(found.value)
}

/// Settings that the promises rest on.
const OURS: [(&str, &str); 6] = [
    (
        "enable.idempotence",
        "without it a record can be written twice or out of order",
    ),
    (
        "acks",
        "all in-sync replicas are what an acknowledgement promises",
    ),
    ("message.timeout.ms", "what was acknowledged must not be given up"),
    ("transactional.id", "it says who leads, and is the site's"),
    ("isolation.level", "what was not committed must not be served"),
    (
        "bootstrap.servers",
        "it has a setting of its own: kafka.bootstrap_servers",
    ),
];

fn properties(problems: &mut Problems, table: &mut Section) -> Vec<(String, String)> {
    let setting = table.setting("properties");
    let Some(node) = table.take("properties") else {
        return Vec::new();
    };
    let Value::Table(entries) = &node.value else {
        problems.push(Misfit::new("is no table", "Write it like { \"linger.ms\" = 5 }").of(&setting, &node));
        return Vec::new();
    };
    let mut properties = Vec::new();
    // `a.b = 1` in a table that is written out is a table `a` with a `b` in it.
    flatten(problems, &setting, "", entries.iter(), &mut properties);
    properties
}

fn flatten<'a>(
    problems: &mut Problems,
    setting: &str,
    above: &str,
    entries: impl Iterator<Item = (&'a String, &'a Node)>,
    into: &mut Vec<(String, String)>,
) {
    for (key, node) in entries {
        let name = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        let text = match &node.value {
            Value::Text(text) | Value::Given(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
            Value::Table(entries) => {
                flatten(problems, setting, &name, entries.iter(), into);
                continue;
            }
            _ => {
                problems.push(
                    Misfit::new("is no property", "Write text, a whole number, true or false")
                        .of(&format!("{setting}.{name}"), node),
                );
                continue;
            }
        };
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == name) {
            problems.push(Problem {
                at: node.at.clone(),
                setting: format!("{setting}.{name}"),
                value: Some(node.to_string()),
                what: format!("cannot be changed: {why}"),
                remedy: "Leave it out".into(),
            });
        }
        into.push((name, text));
    }
}

impl Setting for Ack {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("broker-then-spool", Self::BrokerThenSpool),
                ("broker", Self::Broker),
                ("spool", Self::Spool),
            ],
        )
    }
}

impl Setting for Compression {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[("zstd", Self::Zstd), ("lz4", Self::Lz4), ("none", Self::None)],
        )
    }
}

impl Setting for Mechanism {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let all = [
            Self::Plain,
            Self::ScramSha256,
            Self::ScramSha512,
            Self::OauthBearer,
        ];
        one_of(node, &all.map(|mechanism| (mechanism.name(), mechanism)))
    }
}
