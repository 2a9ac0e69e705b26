//! `tiltwise keys`: makes, lists, replaces and destroys the collector's secrets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Subcommand;
use serde_json::{Value, json};
use tiltwise_core::id::WEEK_MS;

use super::{Failure, Settings, now_ms};
use crate::config::Config;
use crate::keys::Keys;
use crate::keys::servers::Kind;
use crate::keys::signing::{self, OtherKey, key_id};

/// Make, list, replace and destroy the collector's secrets.
///
/// They lie in one folder (`keys` in the collector file) that only the collector's user may read. Back it up: without the
/// signing key pages take no new weights, without the pseudonym keys returning visitors count as new ones.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the folder of secrets and the admin token; what exists stays as it is.
    Init,
    /// List what there is: key ids, weeks, names of server keys. Shows no secret.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the public keys that pages carry, the current one first.
    #[command(after_help = "\
Example, in a page:
  createClient({ url, publicKeys: [\"<base64 of each line>\"] })")]
    Public {
        /// Print JSON: [{\"keyId\": …, \"base64\": …, \"hex\": …}].
        #[arg(long)]
        json: bool,
    },
    /// Replace the signing key, in two steps with a deployment of your pages in between.
    #[command(after_help = "\
The two steps:
  tiltwise keys rotate            makes the next key; deploy your pages with both lines of `tiltwise keys public`
  tiltwise keys rotate --switch   signs with it from the collector's next start, and destroys the old secret")]
    Rotate {
        /// The second step.
        #[arg(long)]
        switch: bool,
    },
    /// Destroy the pseudonym key of a mint week: everything stored about its visitors becomes anonymous, for good.
    #[command(after_help = "\
A week is counted from 1970-01-01; `tiltwise keys list` shows those that have a key. A running collector stops taking
the week's visitors within a second.

Example:
  tiltwise keys forget --week 2951")]
    Forget {
        /// The week whose key is destroyed. This cannot be undone.
        #[arg(long, value_name = "N")]
        week: u16,
    },
    /// Keys of back ends, apps, ad platforms (server) and edge workers (worker).
    #[command(subcommand)]
    Server(ServerCommand),
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// Make a key and print it, this once: only its hash is kept.
    #[command(after_help = "\
Example:
  KEY=$(tiltwise keys server add checkout)
  curl -H \"Authorization: Bearer $KEY\" …")]
    Add {
        /// What the key is called in lists and logs.
        name: String,
        /// For an edge worker: trusted more than a page, less than a back end.
        #[arg(long)]
        worker: bool,
    },
    /// Make a key count no longer; a running collector knows within a second.
    Revoke {
        /// The key's name.
        name: String,
    },
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    match &args.command {
        Command::Init => init(&config),
        Command::List { json } => list(&config, *json),
        Command::Public { json } => public(&config, *json),
        Command::Rotate { switch } => rotate(&config, *switch),
        Command::Forget { week } => forget(&config, *week),
        Command::Server(ServerCommand::Add { name, worker }) => {
            let kind = if *worker { Kind::Worker } else { Kind::Server };
            println!("{}", open(&config)?.servers.add(name, kind, now_ms())?.as_str());
            Ok(())
        }
        Command::Server(ServerCommand::Revoke { name }) => {
            open(&config)?.servers.revoke(name)?;
            println!("The key \"{name}\" counts no longer.");
            Ok(())
        }
    }
}

fn open(config: &Config) -> Result<Keys, Failure> {
    Ok(Keys::open(
        &config.keys,
        &config.admin_token_file(),
        config.privacy.visitor_lifetime.ms(),
    )?)
}

fn init(config: &Config) -> Result<(), Failure> {
    Keys::init(&config.keys, &config.admin_token_file())?;
    println!(
        "Made the secrets in {}. Back that folder up.",
        config.keys.display()
    );
    println!("The admin token is in {}.", config.admin_token_file().display());
    println!("Next: `tiltwise keys public` for your pages, then `tiltwise serve`.");
    Ok(())
}

fn list(config: &Config, as_json: bool) -> Result<(), Failure> {
    let keys = open(config)?;
    let this_week = now_ms() / WEEK_MS;
    let servers = keys.servers.list();
    if as_json {
        let other = keys.signer.other().map(|other| match other {
            OtherKey::Next(key) => json!({ "role": "next", "keyId": hex::encode(key_id(&key)) }),
            OtherKey::Previous(key) => json!({ "role": "previous", "keyId": hex::encode(key_id(&key)) }),
        });
        let servers: Vec<Value> = servers
            .iter()
            .map(|server| json!({ "name": server.name, "kind": server.kind, "madeMs": server.made_ms }))
            .collect();
        let weeks: Vec<u16> = keys.pseudonyms.known().collect();
        let signing = json!({ "keyId": hex::encode(keys.signer.key_id()), "other": other });
        println!(
            "{:#}",
            json!({ "signing": signing, "weeks": weeks, "thisWeek": this_week, "servers": servers })
        );
        return Ok(());
    }
    println!("signs with {}", hex::encode(keys.signer.key_id()));
    if let Some(other) = keys.signer.other() {
        let (role, key) = match other {
            OtherKey::Next(key) => ("next (made, not in use)", key),
            OtherKey::Previous(key) => ("previous (public half only)", key),
        };
        println!("knows      {}, the {role}", hex::encode(key_id(&key)));
    }
    for week in keys.pseudonyms.known() {
        println!("week {week}  {} weeks ago", this_week.saturating_sub(week.into()));
    }
    for server in servers {
        let kind = match server.kind {
            Kind::Worker => "worker",
            Kind::Server => "server",
        };
        println!("{kind} {}", server.name);
    }
    Ok(())
}

fn public(config: &Config, as_json: bool) -> Result<(), Failure> {
    let keys = open(config)?.signer.public_keys();
    if as_json {
        let all: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "keyId": hex::encode(key_id(key)),
                    "base64": BASE64_STANDARD.encode(key),
                    "hex": hex::encode(key),
                })
            })
            .collect();
        println!("{:#}", Value::from(all));
        return Ok(());
    }
    for key in keys {
        println!("{}  {}", BASE64_STANDARD.encode(key), hex::encode(key));
    }
    Ok(())
}

fn rotate(config: &Config, switch: bool) -> Result<(), Failure> {
    // Opening first proves the folder: a rotation in a damaged one would hide what is wrong.
    open(config)?;
    if switch {
        let key = signing::switch(&config.keys)?;
        println!(
            "{} signs from the collector's next start. Restart it.",
            hex::encode(key_id(&key))
        );
    } else {
        let key = signing::prepare(&config.keys)?;
        println!("Made the next key, {}.", hex::encode(key_id(&key)));
        println!(
            "Deploy your pages with both keys of `tiltwise keys public`, then run `tiltwise keys rotate --switch`."
        );
    }
    Ok(())
}

fn forget(config: &Config, week: u16) -> Result<(), Failure> {
    if open(config)?.pseudonyms.forget(week)? {
        println!("The key of week {week} is destroyed; what is stored about its visitors is anonymous now.");
    } else {
        println!("Week {week} had no key; it will never get one.");
    }
    Ok(())
}
