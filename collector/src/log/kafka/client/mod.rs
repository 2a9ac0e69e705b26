//! Everything that is said to librdkafka is said in this folder, in types that are ours. Who writes events is a [`Producer`] and
//! who reads them a [`Consumer`]; where records have keys and are committed together, they are a [`Clerk`] and a [`Listener`].
//! Who looks after topics is an [`Admin`]; what goes wrong is a [`Trouble`].

mod admin;
mod clerk;
mod consumer;
mod listener;
mod plain;
mod producer;
mod trouble;

pub use self::admin::{Admin, Found, Topic};
pub use self::clerk::{Clerk, Note, Unwritten};
pub use self::consumer::{Consumer, Read};
pub use self::listener::{Heard, Listener};
pub use self::plain::{Keyed, Member};
pub use self::producer::{Outgoing, Producer, Report};
pub use self::trouble::{Kind, Trouble};

use std::{error::Error, fs, path::PathBuf, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rdkafka::{ClientConfig, ClientContext, client::OAuthToken, config::RDKafkaLogLevel, error::KafkaError};

use crate::config::{Compression, Kafka};

/// How long a question to a broker may take before the answer is that it cannot be reached.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What every connection is made with.
#[derive(Debug, Clone)]
pub struct Connection {
    config: ClientConfig,
    token_file: Option<PathBuf>,
    username: String,
    servers: String,
}

impl Connection {
    /// Reads the password, and nothing else: no broker is asked.
    pub fn of(kafka: &Kafka, client: &str) -> Result<Self, Trouble> {
        let mut config = ClientConfig::new();
        let servers = kafka.bootstrap_servers.join(",");
        config
            .set("bootstrap.servers", &servers)
            .set("client.id", client)
            // A broker that is back is found within a second.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("retry.backoff.ms", "50")
            .set("topic.metadata.refresh.fast.interval.ms", "100")
            .set("socket.keepalive.enable", "true")
            .set("allow.auto.create.topics", "false")
            .set_log_level(RDKafkaLogLevel::Warning);
        let (tls, sasl) = (&kafka.tls, &kafka.sasl);
        let protocol = match (tls.enabled, sasl.mechanism) {
            (false, None) => "plaintext",
            (true, None) => "ssl",
            (false, Some(_)) => "sasl_plaintext",
            (true, Some(_)) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if tls.enabled {
            let files = [
                ("ssl.ca.location", &tls.ca_file),
                ("ssl.certificate.location", &tls.cert_file),
                ("ssl.key.location", &tls.key_file),
            ];
            for (name, file) in files {
                if let Some(file) = file {
                    config.set(name, file.display().to_string());
                }
            }
            let names = if tls.verify_names { "https" } else { "none" };
            config.set("ssl.endpoint.identification.algorithm", names);
        }
        if let Some(mechanism) = sasl.mechanism {
            config.set("sasl.mechanism", mechanism.name());
        }
        if let Some(file) = &sasl.password_file {
            let password = fs::read_to_string(file).map_err(|error| Trouble::file(file, &error))?;
            config
                .set("sasl.username", &sasl.username)
                .set("sasl.password", password.trim_end_matches(['\r', '\n']));
        }
        for (name, value) in &kafka.properties {
            config.set(name, value);
        }
        Ok(Self {
            config,
            token_file: sasl.token_file.clone(),
            username: sasl.username.clone(),
            servers,
        })
    }

    fn context(&self) -> Context {
        Context {
            token_file: self.token_file.clone(),
            username: self.username.clone(),
        }
    }

    fn trouble(&self, error: &KafkaError, topic: &str) -> Trouble {
        Trouble::of(error, topic, &self.servers)
    }

    /// Whoever asks a broker that hangs up is only told that nobody answers; why it did is told to those who read.
    pub fn look_closer(&self, trouble: Trouble) -> Trouble {
        if trouble.kind != Kind::Passing {
            return trouble;
        }
        let heard = Consumer::start(self, "")
            .ok()
            .and_then(|consumer| consumer.listen());
        heard.unwrap_or(trouble)
    }
}

/// How librdkafka spells a compression.
fn spelled(compression: Compression) -> &'static str {
    match compression {
        Compression::Zstd => "zstd",
        Compression::Lz4 => "lz4",
        Compression::None => "none",
    }
}

/// What librdkafka calls back for, whatever the connection is for.
#[derive(Debug, Clone)]
struct Context {
    token_file: Option<PathBuf>,
    username: String,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // A broker that goes away is said so by ourselves, once; the library says it again and again.
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, message, "librdkafka");
            }
            _ => tracing::debug!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }

    fn generate_oauth_token(&self, _configuration: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let file = self
            .token_file
            .as_ref()
            .ok_or("kafka.sasl.token_file is not set")?;
        let token = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let token = token.trim().to_owned();
        let (subject, expires_ms) =
            claims(&token).ok_or("the token in kafka.sasl.token_file is no JWT with an expiry")?;
        let name = if self.username.is_empty() {
            subject
        } else {
            self.username.clone()
        };
        Ok(OAuthToken {
            token,
            principal_name: name,
            lifetime_ms: expires_ms,
        })
    }
}

/// Who a JWT is for and when it runs out. Its signature is the broker's to check.
fn claims(token: &str) -> Option<(String, i64)> {
    let body = token.split('.').nth(1)?;
    let body = BASE64_URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let expires_s = body.get("exp")?.as_i64()?;
    let subject = body.get("sub").and_then(|sub| sub.as_str()).unwrap_or_default();
    Some((subject.to_owned(), expires_s.saturating_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_who_it_is_for_and_when_it_runs_out() {
        let body = BASE64_URL_SAFE_NO_PAD.encode(br#"{"sub":"collector","exp":1700000000}"#);
        let token = format!("e30.{body}.signature");
        assert_eq!(claims(&token), Some(("collector".to_owned(), 1_700_000_000_000)));
        assert_eq!(claims("opaque"), None);
    }
}
