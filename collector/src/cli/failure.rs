//! How a command fails: what it prints, and the exit code that a script can tell apart.

use std::process::ExitCode;

use serde_json::json;

use crate::config::Problems;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// 3: what people wrote is wrong.
    Refused(Problems),
    /// The same, for a script: the problems as JSON on standard output.
    RefusedAsJson(Problems),
    /// 4: no collector answers, or it is not well.
    Unwell(String),
    /// 1: anything else.
    Failed(anyhow::Error),
}

impl Failure {
    /// Says it, and gives the exit code.
    pub fn report(self) -> ExitCode {
        match self {
            Self::Refused(problems) => {
                eprintln!("{problems}");
                eprintln!("{} found; nothing was changed.", count(problems.len()));
                ExitCode::from(3)
            }
            Self::RefusedAsJson(problems) => {
                println!("{}", json!({ "ok": false, "problems": problems }));
                ExitCode::from(3)
            }
            Self::Unwell(what) => {
                eprintln!("{what}");
                ExitCode::from(4)
            }
            Self::Failed(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        }
    }

    /// Problems, in the form that was asked for.
    pub fn of(problems: Problems, as_json: bool) -> Self {
        if as_json {
            Self::RefusedAsJson(problems)
        } else {
            Self::Refused(problems)
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn count(problems: usize) -> String {
    if problems == 1 {
        "1 problem".into()
    } else {
        format!("{problems} problems")
    }
}
