//! `tiltwise status`: asks a running collector how it goes.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::{Failure, Settings};
use crate::config::Config;
use crate::keys::AdminToken;
use crate::results::Mix;

/// Long enough for a busy collector, short enough for a person and a health check.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask a running collector how it goes, and print an address that opens the dashboard once.
///
/// The token is read from the admin token file, or from the variable TILTWISE_ADMIN_TOKEN where that is set.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise status
  tiltwise status --open                                 opens the dashboard in a browser
  tiltwise status --json | jq .health
  TILTWISE_ADMIN_TOKEN=… tiltwise status --url http://10.0.0.5:8081

Exit codes: 0 it is well; 4 no collector answers, or it is not well.")]
pub struct Args {
    /// The admin listener's address [default: the collector file's].
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Also open the dashboard in this machine's browser.
    #[arg(long)]
    open: bool,

    /// Print what the collector answered, as JSON; makes no dashboard address.
    #[arg(long, conflicts_with = "open")]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let admin = Admin::of(&config, args.url.clone())?;
    let state = admin.get("/v1/admin/state")?;
    if args.json {
        println!("{state:#}");
    } else {
        print!("{}", text(&state));
        let dashboard = admin.dashboard()?;
        println!("dashboard    {dashboard} (works once)");
        if args.open {
            open_browser(&dashboard)?;
        }
    }
    match state.pointer("/health/status").and_then(Value::as_str) {
        Some("ok") => Ok(()),
        status => Err(Failure::Unwell(format!(
            "The collector says that it is {}.",
            status.unwrap_or("of unknown health")
        ))),
    }
}

/// The admin listener of a running collector.
pub(super) struct Admin {
    url: String,
    token: Zeroizing<String>,
}

/// Some lines of the log.
pub(super) struct Page {
    pub(super) text: String,
    /// The offset to go on from.
    pub(super) next: u64,
    /// Where the log ended.
    pub(super) end: u64,
    pub(super) partitions: usize,
}

impl Admin {
    /// The collector of this configuration, unless another address is named.
    pub(super) fn of(config: &Config, url: Option<String>) -> Result<Self, Failure> {
        let url = url.unwrap_or_else(|| format!("http://{}", reachable(config.admin.listen)));
        Ok(Self {
            url,
            token: token(config)?,
        })
    }

    /// The log's lines from an offset of a partition on.
    pub(super) fn log(&self, partition: usize, from: u64) -> Result<Page, Failure> {
        let request = agent()
            .get(self.address(&format!("/v1/admin/log?partition={partition}&from={from}")))
            .header("authorization", self.bearer().as_str());
        let mut answer = request
            .call()
            .map_err(|error| Failure::Unwell(format!("No collector answers at {}: {error}", self.url)))?;
        let number = |name: &str| answer.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
        let (next, end) = (number("x-next-offset"), number("x-end-offset"));
        let partitions = number("x-partitions");
        Ok(Page {
            text: answer.body_mut().read_to_string()?,
            next: next.unwrap_or(from),
            end: end.unwrap_or(from),
            partitions: partitions.map_or(1, |partitions| partitions as usize),
        })
    }

    /// What the experiments say, and what a policy would have brought.
    pub(super) fn results(&self, policy: Option<&Mix>) -> Result<Value, Failure> {
        match policy {
            None => self.get("/v1/admin/results"),
            Some(policy) => self.get(&format!(
                "/v1/admin/results?policy={}",
                escaped(&policy.to_string())
            )),
        }
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        self.answer(
            agent()
                .get(self.address(path))
                .header("authorization", self.bearer().as_str())
                .call(),
        )
    }

    /// Has a unit erased, named by `{"visitor": …}` or `{"account": …}`.
    pub(super) fn erase(&self, unit: &Value) -> Result<Value, Failure> {
        // The whole log may have to be read.
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(None).build().into();
        let request = agent
            .post(self.address("/v1/admin/erasures"))
            .header("authorization", self.bearer().as_str())
            .header("content-type", "application/json");
        self.answer(request.send(unit.to_string()))
    }

    /// An address that opens the dashboard once.
    fn dashboard(&self) -> Result<String, Failure> {
        let request = agent()
            .post(self.address("/v1/admin/session"))
            .header("authorization", self.bearer().as_str());
        let answer = self.answer(request.send_empty())?;
        let path = answer.get("url").and_then(Value::as_str).unwrap_or("/");
        Ok(self.address(path))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    fn bearer(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.token.as_str()))
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(ureq::Error::StatusCode(401 | 403)) => {
                let what = format!(
                    "The collector at {} does not take this admin token. Run this as its user, in its folder",
                    self.url
                );
                return Err(Failure::Unwell(what));
            }
            Err(error) => {
                let what = format!(
                    "No collector answers at {}: {error}. Start it with `tiltwise serve`, or name it with --url",
                    self.url
                );
                return Err(Failure::Unwell(what));
            }
        };
        let text = answer.body_mut().read_to_string()?;
        serde_json::from_str(&text)
            .map_err(|_| Failure::Unwell(format!("What answers at {} is no collector.", self.url)))
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn token(config: &Config) -> Result<Zeroizing<String>, Failure> {
    if let Ok(token) = std::env::var("TILTWISE_ADMIN_TOKEN") {
        return Ok(Zeroizing::new(token));
    }
    let token = AdminToken::open(&config.admin_token_file())?;
    Ok(Zeroizing::new(token.expose().to_owned()))
}

/// Where a listener on every address can be reached from this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The few lines that a person wants first; `--json` has the rest.
fn text(state: &Value) -> String {
    let at = |pointer: &str| state.pointer(pointer).cloned().unwrap_or_default();
    let plain = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => "none yet".to_owned(),
        other => other.to_string(),
    };
    let experiments = at("/experiments").as_array().map_or(0, Vec::len);
    let mut lines = vec![
        format!("site         {}", plain(at("/site"))),
        format!("health       {}", plain(at("/health/status"))),
        format!("experiments  {experiments}"),
        format!("model        version {}", plain(at("/model/version"))),
        format!(
            "events       {} accepted, {:.1} a second",
            plain(at("/health/acceptedTotal")),
            at("/health/eventsPerSecond").as_f64().unwrap_or(0.0)
        ),
        format!("listening    {} pages", plain(at("/health/streamClients"))),
    ];
    if let Value::String(sentence) = at("/company/sentence") {
        lines.push(format!("collectors   {sentence}"));
    }
    for experiment in at("/experiments").as_array().into_iter().flatten() {
        for import in experiment["history"].as_array().into_iter().flatten() {
            let (key, sentence) = (
                plain(experiment["key"].clone()),
                plain(import["sentence"].clone()),
            );
            lines.push(format!("history      {key}: {sentence}"));
        }
    }
    for message in at("/health/messages").as_array().into_iter().flatten() {
        lines.push(format!("  - {}", plain(message.clone())));
    }
    lines.join("\n") + "\n"
}

fn open_browser(address: &str) -> Result<(), Failure> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let status = Command::new(program).arg(address).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(anyhow::anyhow!("`{program}` opened no browser. Open the address above by hand").into()),
    }
}

/// A value of a query, with everything but letters and digits escaped.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
