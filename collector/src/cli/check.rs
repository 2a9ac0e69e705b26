//! `tiltwise check`: reads everything that `serve` would read, and says what it would do.

use serde_json::{Value, json};

use super::{Failure, Settings};
use crate::config::{Config, Place, Problem, Problems};
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

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args
        .settings
        .check()
        .map_err(|problems| Failure::of(problems, args.json))?;
    let (keys, experiments, actions) = read(&config).map_err(|problems| Failure::of(problems, args.json))?;
    if args.json {
        println!("{:#}", as_json(&config, &keys, &experiments, &actions));
    } else {
        print!("{}", as_text(&config, &keys, &experiments, &actions));
    }
    Ok(())
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
         - keep events in {} for {}, up to {}\n\
         - sign with key {}; {} server keys are known\n\
         - serve {} experiments from {}\n",
        config.site,
        config.http.listen,
        config.http.prefix.as_str(),
        config.admin.listen,
        config.log.path.display(),
        config.log.retention,
        config.log.max_bytes,
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
