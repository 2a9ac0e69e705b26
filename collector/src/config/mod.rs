//! The collector file: what one collector is, checked as a whole before anything listens.
//!
//! [`Config::load`] reads the TOML file ([`document`]), lays environment variables and flags over it ([`overrides`]),
//! and reads it table by table ([`section`], [`setting`]; the tables are in [`tables`]). All problems are reported
//! together ([`problems`]). The experiment file is read with the same parts.
//!
//! This module does not: open the places that it names, read secrets, or look at a clock.

use std::path::{Path, PathBuf};

pub mod document;
pub mod kafka;
pub mod network;
pub mod overrides;
pub mod problems;
pub mod section;
pub mod setting;
pub mod tables;
pub mod units;

pub use self::kafka::{Ack, Compression, Kafka, Mechanism};
pub use self::network::{Origins, Prefix};
pub use self::overrides::Override;
pub use self::problems::{Place, Problem, Problems};
pub use self::tables::{Admin, Diagnostics, Format, Gpc, Http, Limits, Log, LogKind, Privacy, Trainer};
pub use self::units::{ByteSize, Span};

use self::document::{Node, Table, Value};
use self::section::Section;

/// The file that is read when no other is named.
pub const DEFAULT_FILE: &str = "tiltwise.toml";

/// The longest site name: its length is one byte of the signed message, and it stands in every snapshot.
pub const MAX_SITE_BYTES: usize = 64;

/// A checked collector file. Relative paths have been resolved against the file's folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from, if there is one.
    pub file: Option<PathBuf>,
    /// The site's name: part of every signature and salt, so renaming a site moves every visitor. Default "default".
    pub site: String,
    /// The experiment file. Default "experiments.toml"; without it there are no experiments yet.
    pub experiments: PathBuf,
    /// The folder of secrets that `tiltwise keys init` makes. Default "keys".
    pub keys: PathBuf,
    pub http: Http,
    pub admin: Admin,
    pub log: Log,
    pub kafka: Kafka,
    pub trainer: Trainer,
    pub privacy: Privacy,
    pub limits: Limits,
    pub diagnostics: Diagnostics,
}

impl Config {
    /// Reads and checks `file`, or [`DEFAULT_FILE`] where that exists, or nothing but defaults.
    pub fn load(file: Option<&Path>, overrides: Vec<Override>) -> Result<Self, Problems> {
        let path = match file {
            Some(path) => Some(path.to_owned()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
        };
        let text = match &path {
            None => String::new(),
            Some(path) => text_of(path)?,
        };
        Self::check(path.as_deref(), &text, overrides)
    }

    /// Checks the text of a collector file.
    pub fn check(file: Option<&Path>, text: &str, overrides: Vec<Override>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let name = file.unwrap_or(Path::new(DEFAULT_FILE)).display().to_string();
        let folder = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let mut document = document::parse(&mut problems, &name, text);
        // Where the text is no TOML, its settings are not "missing", only unread.
        if !problems.is_empty() {
            return Err(problems);
        }
        overrides::lay_over(&mut document, overrides);
        let mut top = Section::open(&mut problems, "", document);
        let config = Self::read(&mut problems, &mut top, file, &folder);
        top.finish(&mut problems);
        tables::check_together(&mut problems, &config);
        problems.none_or(config)
    }

    /// Where the admin token is kept.
    pub fn admin_token_file(&self) -> PathBuf {
        self.admin
            .token_file
            .clone()
            .unwrap_or_else(|| self.keys.join("admin.token"))
    }

    /// Where the embedded log is.
    pub fn log_folder(&self) -> PathBuf {
        self.log.path.join("log")
    }

    /// Where a collector with Kafka keeps what it has not sent on yet.
    pub fn spool_folder(&self) -> PathBuf {
        self.log.path.join("spool")
    }

    /// Where the trainer keeps its checkpoints.
    pub fn state_folder(&self) -> PathBuf {
        self.log.path.join("state")
    }

    /// Where published snapshots are kept.
    pub fn snapshots_folder(&self) -> PathBuf {
        self.log.path.join("snapshots")
    }

    /// Where what people did to experiments is recorded.
    pub fn actions_file(&self) -> PathBuf {
        self.log.path.join("actions.jsonl")
    }

    /// Where imported history is kept.
    pub fn history_folder(&self) -> PathBuf {
        self.log.path.join("history")
    }

    /// Where every published revision is kept.
    pub fn revisions_folder(&self) -> PathBuf {
        self.log.path.join("revisions")
    }

    /// The file's name as errors should show it.
    pub fn file_name(&self) -> String {
        self.file
            .as_deref()
            .unwrap_or(Path::new(DEFAULT_FILE))
            .display()
            .to_string()
    }

    fn read(problems: &mut Problems, top: &mut Section, file: Option<&Path>, folder: &Path) -> Self {
        Self {
            file: file.map(Path::to_owned),
            site: site(problems, top),
            experiments: top
                .path(problems, "experiments", folder)
                .unwrap_or_else(|| folder.join("experiments.toml")),
            keys: top
                .path(problems, "keys", folder)
                .unwrap_or_else(|| folder.join("keys")),
            http: Http::read(problems, top),
            admin: Admin::read(problems, top, folder),
            log: Log::read(problems, top, folder),
            kafka: Kafka::read(problems, top, folder),
            trainer: Trainer::read(problems, top),
            privacy: Privacy::read(problems, top),
            limits: Limits::read(problems, top),
            diagnostics: Diagnostics::read(problems, top),
        }
    }
}

/// What an empty file says.
impl Default for Config {
    fn default() -> Self {
        let mut none = Problems::default();
        let at = Place::File {
            file: DEFAULT_FILE.into(),
        };
        let mut top = Section::open(
            &mut none,
            "",
            Node {
                at,
                value: Value::Table(Table::new()),
            },
        );
        Self::read(&mut none, &mut top, None, Path::new(""))
    }
}

fn text_of(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| {
        let mut problems = Problems::default();
        problems.push(Problem {
            at: Place::File {
                file: path.display().to_string().into(),
            },
            setting: String::new(),
            value: None,
            what: format!("the collector file cannot be read: {error}"),
            remedy: "Name it with --config FILE, or leave the flag out to use the defaults".into(),
        });
        problems
    })
}

fn site(problems: &mut Problems, top: &mut Section) -> String {
    let Some(site) = top.found::<String>(problems, "site") else {
        return "default".into();
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if site.value.is_empty() || site.value.len() > MAX_SITE_BYTES || !site.value.chars().all(plain) {
        site.reject(
            problems,
            "is no site name",
            format!("Use 1 to {MAX_SITE_BYTES} letters, digits, dots, hyphens or underscores"),
        );
    }
    site.value
}

#[cfg(test)]
mod tests;
