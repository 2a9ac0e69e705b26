//! `tiltwise check`: reads everything that `serve` would read, and says what it would do.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::{Failure, Settings};
use crate::config::{Ack, Config, LogKind, Place, Problem, Problems};
use crate::experiments::{Action, Definition, Experiments, FileActions, Standing};
use crate::keys::Keys;

/// Check all files and say what `serve` would do; changes nothing.
///
/// Reads the collector file, the experiment file, the actions that hold and the keys, and reports every problem at once,
/// each with file, line, value and remedy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise check
  tiltwise check --config /etc/tiltwise.toml --json
  tiltwise check --experiments draft.toml      checks a draft beside the published file

Exit codes: 0 all is well; 3 something is wrong.")]
pub struct Args {
    /// Print JSON: {\"ok\": true, …} or {\"ok\": false, \"problems\": […]}.
    #[arg(long)]
    json: bool,

    /// Ask the Kafka that the collector file names, too: is it there, are we let in, are the topics as they should be, does
    /// its clock agree with ours?
    #[cfg(feature = "kafka")]
    #[arg(long)]
    connect: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args
        .settings
        .check()
        .map_err(|problems| Failure::of(problems, args.json))?;
    let (keys, experiments, actions) = read(&config).map_err(|problems| Failure::of(problems, args.json))?;
    #[cfg(feature = "kafka")]
    if args.connect {
        connect(&config).map_err(|problems| Failure::of(problems, args.json))?;
    }
    if args.json {
        println!("{:#}", as_json(&config, &keys, &experiments, &actions));
    } else {
        print!("{}", as_text(&config, &keys, &experiments, &actions));
    }
    Ok(())
}

#[cfg(feature = "kafka")]
fn connect(config: &Config) -> Result<(), Problems> {
    use crate::log::kafka::{Options, topics};
    if config.log.kind != LogKind::Kafka {
        return Ok(());
    }
    let found = topics::try_out(&Options::of(config)).unwrap_or_else(|trouble| vec![trouble]);
    as_problems(config, found).none_or(())
}

/// What Kafka said, as a problem of the collector file that leads there.
#[cfg(feature = "kafka")]
pub(super) fn as_problems(config: &Config, found: Vec<crate::log::kafka::client::Trouble>) -> Problems {
    let mut problems = Problems::default();
    for trouble in found {
        problems.push(Problem {
            at: Place::File {
                file: config.file_name().into(),
            },
            setting: "kafka".into(),
            value: None,
            what: trouble.what,
            remedy: trouble.remedy.trim_end_matches('.').to_owned(),
        });
    }
    problems
}

type Standings = Vec<(String, Standing)>;

fn read(config: &Config) -> Result<(Keys, Experiments, Standings), Problems> {
    let mut problems = Problems::default();
    let lifetime_ms = config.privacy.visitor_lifetime.ms();
    let keys = Keys::open(&config.keys, &config.admin_token_file(), lifetime_ms);
    let keys = keys.map_err(|error| problems.push(error.as_problem())).ok();
    let actions = actions(&mut problems, config);
    let experiments = Experiments::load(&config.experiments, &config.site)
        .and_then(|experiments| experiments.check_edit(&actions).map(|()| experiments))
        .map_err(|found| problems.append(found))
        .ok();
    match (keys, experiments) {
        (Some(keys), Some(experiments)) if problems.is_empty() => {
            let standings = experiments
                .definitions
                .iter()
                .map(|definition| &definition.revision.key)
                .map(|key| (key.clone(), Standing::of(&actions, key)))
                .collect();
            Ok((keys, experiments, standings))
        }
        _ => Err(problems),
    }
}

/// The actions that are kept; a damaged file is a problem like any other.
pub(super) fn actions(problems: &mut Problems, config: &Config) -> Vec<Action> {
    FileActions::read(&config.actions_file()).unwrap_or_else(|error| {
        problems.push(Problem {
            at: Place::File {
                file: config.actions_file().display().to_string().into(),
            },
            setting: String::new(),
            value: None,
            what: error.to_string(),
            remedy: "Until then nobody knows which experiments are paused or decided".into(),
        });
        Vec::new()
    })
}

fn as_text(config: &Config, keys: &Keys, experiments: &Experiments, standings: &Standings) -> String {
    let mut text = format!(
        "All is well. `tiltwise serve` would, for the site \"{}\":\n\
         - listen on http://{}{} for pages and on http://{} for people\n\
         - {}\n\
         - sign with key {}; {} server keys are known\n\
         - serve {} experiments from {}\n",
        config.site,
        config.http.listen,
        config.http.prefix.as_str(),
        config.admin.listen,
        kept(config),
        hex::encode(keys.signer.key_id()),
        keys.servers.list().len(),
        experiments.definitions.len(),
        config.experiments.display(),
    );
    for (definition, (key, standing)) in experiments.definitions.iter().zip(standings) {
        let facts = definition
            .facts()
            .into_iter()
            .map(|(setting, value)| format!("    {setting}: {value}\n"));
        text.extend(
            [format!("\n{key}{}\n", standing_text(standing))]
                .into_iter()
                .chain(facts),
        );
    }
    text
}

/// Where events go, and what is doubtful about it.
fn kept(config: &Config) -> String {
    let (log, kafka) = (&config.log, &config.kafka);
    if log.kind == LogKind::Embedded {
        return format!(
            "keep events in {} for {}, up to {}",
            log.path.display(),
            log.retention,
            log.max_bytes
        );
    }
    let promise = match kafka.ack {
        Ack::BrokerThenSpool => "when Kafka has them or, where it is slow, this disk",
        Ack::Broker => "when Kafka has them, and never otherwise",
        Ack::Spool => "when this disk has them",
    };
    let mut text = format!(
        "keep events in {} of {}, and acknowledge them {promise}",
        kafka.topic("events"),
        kafka.bootstrap_servers.join(", "),
    );
    if let (true, Some(passing)) = (kafka.ack != Ack::Broker, passing(&log.path)) {
        let _ = write!(
            text,
            "\n  WARNING: {} lies on {passing}: what waits there for Kafka is gone with this container or machine. Mount a \
             volume there, or write kafka.ack = \"broker\"",
            log.path.display()
        );
    }
    text
}

/// The kind of file system that a folder lies on, or the first above it that is there, where that kind does not last.
fn passing(folder: &Path) -> Option<&'static str> {
    const TMPFS: i64 = 0x0102_1994;
    const OVERLAY: i64 = 0x794c_7630;
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.exists())?;
    match rustix::fs::statfs(there).ok()?.f_type {
        TMPFS => Some("tmpfs, which is memory"),
        OVERLAY => Some("overlay, a container's own layer"),
        _ => None,
    }
}

fn standing_text(standing: &Standing) -> String {
    let mut parts = Vec::new();
    if standing.paused {
        parts.push("paused".to_owned());
    }
    parts.extend(
        standing
            .winner
            .as_ref()
            .map(|winner| format!("decided for {winner}")),
    );
    parts.extend(
        standing
            .stopped
            .iter()
            .map(|variant| format!("{variant} stopped")),
    );
    if standing.frozen {
        parts.push("frozen".to_owned());
    }
    parts.extend(
        standing
            .rolled_back_to
            .map(|version| format!("rolled back to version {version}")),
    );
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({}, by actions)", parts.join(", "))
    }
}

fn as_json(config: &Config, keys: &Keys, experiments: &Experiments, standings: &Standings) -> Value {
    let experiments: Vec<Value> = experiments
        .definitions
        .iter()
        .zip(standings)
        .map(|(definition, (_, standing))| experiment_json(definition, standing))
        .collect();
    json!({
        "ok": true,
        "site": config.site,
        "listen": config.http.listen,
        "adminListen": config.admin.listen,
        "data": config.log.path,
        "keyId": hex::encode(keys.signer.key_id()),
        "experiments": experiments,
    })
}

fn experiment_json(definition: &Definition, standing: &Standing) -> Value {
    let settings: serde_json::Map<String, Value> = definition
        .facts()
        .into_iter()
        .map(|(setting, value)| (setting, value.into()))
        .collect();
    json!({
        "key": definition.revision.key,
        "name": definition.name,
        "revision": format!("{:016x}", definition.id.0),
        "standing": standing,
        "settings": settings,
    })
}
