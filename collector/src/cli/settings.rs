//! The flags that every command shares: which collector it is about.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::config::overrides::{self, Override};
use crate::config::{Config, Problems};

/// Which collector a command is about.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which collector")]
pub struct Settings {
    /// The collector file [default: tiltwise.toml, if it exists].
    #[arg(long, global = true, value_name = "FILE", env = "TILTWISE_CONFIG")]
    config: Option<PathBuf>,

    /// The experiment file [default: experiments.toml].
    #[arg(long, global = true, value_name = "FILE")]
    experiments: Option<String>,

    /// The folder of secrets [default: keys].
    #[arg(long, global = true, value_name = "FOLDER")]
    keys: Option<String>,

    /// The data folder [default: data].
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<String>,

    /// The public address [default: 127.0.0.1:8080].
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,

    /// The admin address [default: 127.0.0.1:8081].
    #[arg(long, global = true, value_name = "ADDRESS")]
    admin_listen: Option<String>,

    /// Any other setting of the collector file, as TABLE.KEY=VALUE; may be repeated.
    #[arg(long = "set", global = true, value_name = "SETTING=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

impl Settings {
    /// Reads and checks the collector file under the environment and these flags.
    pub fn load(&self) -> Result<Config, Failure> {
        self.check().map_err(Failure::Refused)
    }

    /// The same, for a command that reports problems in its own way.
    pub fn check(&self) -> Result<Config, Problems> {
        // Variables that are no text cannot be ours, which are all written by people.
        let variables = std::env::vars_os()
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        let mut overrides = overrides::from_environment(variables);
        overrides.extend(self.overrides());
        Config::load(self.config.as_deref(), overrides)
    }

    fn overrides(&self) -> Vec<Override> {
        let named = [
            ("--experiments", "experiments", &self.experiments),
            ("--keys", "keys", &self.keys),
            ("--data", "log.path", &self.data),
            ("--listen", "http.listen", &self.listen),
            ("--admin-listen", "admin.listen", &self.admin_listen),
        ];
        let named = named.into_iter().filter_map(|(flag, setting, text)| {
            text.as_ref()
                .map(|text| overrides::from_flag(flag, setting, text))
        });
        let set = self
            .set
            .iter()
            .map(|(setting, text)| overrides::from_flag("--set", setting, text));
        set.chain(named).collect()
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (setting, value) = text.split_once('=').ok_or("write it like http.prefix=/ab")?;
    Ok((setting.trim().to_owned(), value.trim().to_owned()))
}
