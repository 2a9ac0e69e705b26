use std::path::{Path, PathBuf};

use clap::CommandFactory;
use tempfile::TempDir;

use super::*;

/// A folder with keys, as `tiltwise keys init` leaves it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        place.run(&["keys", "init"]).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command in this folder, without changing the process's own.
    fn run(&self, words: &[&str]) -> Result<(), Failure> {
        let at = |name: &str| self.path(name).display().to_string();
        let mut all: Vec<String> = vec!["tiltwise".into()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let flags = [
            ("--keys", "keys"),
            ("--data", "data"),
            ("--experiments", "experiments.toml"),
        ];
        for (flag, name) in flags {
            all.extend([flag.to_owned(), at(name)]);
        }
        Cli::try_parse_from(&all).unwrap().command.run()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }
}

const HERO: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "thompson" }
metric = { event = "signup", window = "30m" }
"#;

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[test]
fn every_command_and_flag_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn an_empty_folder_is_ready_to_serve_after_keys_init() {
    Place::new().run(&["check"]).unwrap();
}

#[test]
fn without_keys_the_check_names_the_command_that_makes_them() {
    let place = Place {
        folder: TempDir::new().unwrap(),
    };
    let Err(Failure::Refused(problems)) = place.run(&["check"]) else {
        panic!("there are no keys")
    };
    assert!(
        problems
            .to_string()
            .ends_with("nothing is here. Make what is missing with `tiltwise keys init`"),
        "{problems}"
    );
}

#[test]
fn a_dry_run_publishes_nothing_and_an_apply_publishes_the_file_as_it_is() {
    let place = Place::new();
    let file = place.write("draft.toml", HERO);
    place.run(&["apply", &file, "--dry-run"]).unwrap();
    assert_eq!(read(&place.path("experiments.toml")), None);
    place.run(&["apply", &file]).unwrap();
    assert_eq!(read(&place.path("experiments.toml")).as_deref(), Some(HERO));
}

#[test]
fn a_wrong_file_is_not_published_and_says_so_with_its_line() {
    let place = Place::new();
    place.run(&["apply", &place.write("draft.toml", HERO)]).unwrap();
    let wrong = place.write("draft.toml", &HERO.replace("\"30m\"", "\"30\""));
    let Err(Failure::Refused(problems)) = place.run(&["apply", &wrong]) else {
        panic!("the file is wrong")
    };
    assert!(
        problems
            .to_string()
            .contains("draft.toml:7: experiment.hero.metric.window"),
        "{problems}"
    );
    assert_eq!(read(&place.path("experiments.toml")).as_deref(), Some(HERO));
}

#[test]
fn a_check_reports_keys_and_experiments_together() {
    let place = Place {
        folder: TempDir::new().unwrap(),
    };
    place.write("experiments.toml", &HERO.replace("thompson", "thomson"));
    let Err(Failure::Refused(problems)) = place.run(&["check"]) else {
        panic!("both are wrong")
    };
    assert_eq!(problems.len(), 2, "{problems}");
}

#[test]
fn a_status_without_a_collector_says_that_none_answers() {
    let place = Place::new();
    // Port 9 (discard) of loopback: nothing listens there.
    let Err(Failure::Unwell(what)) = place.run(&["status", "--admin-listen", "127.0.0.1:9"]) else {
        panic!("none runs")
    };
    assert!(
        what.starts_with("No collector answers at http://127.0.0.1:9: "),
        "{what}"
    );
}

#[test]
fn a_server_key_can_be_made_and_revoked_by_name() {
    let place = Place::new();
    place.run(&["keys", "server", "add", "checkout"]).unwrap();
    assert!(place.run(&["keys", "server", "add", "checkout"]).is_err());
    place.run(&["keys", "server", "revoke", "checkout"]).unwrap();
    assert!(place.run(&["keys", "server", "revoke", "checkout"]).is_err());
}
