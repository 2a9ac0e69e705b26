//! Programs that must be on the machine, and the line that brings each one there.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::child;

/// A program that some command needs.
#[derive(Debug)]
pub struct Tool {
    /// What it is called on the command line.
    pub program: &'static str,
    /// What it is needed for.
    pub role: &'static str,
    /// The line that installs it on Debian.
    pub install: &'static str,
    /// The least major version that will do.
    pub least: Option<u32>,
}

pub const NODE: Tool = Tool {
    program: "node",
    role: "runs wasm-opt and the JavaScript tests",
    // Debian 12 has Node 18, which is too old.
    install: "curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs",
    least: Some(20),
};

pub const NPM: Tool = Tool {
    program: "npm",
    role: "installs what the package-lock.json files name",
    install: "curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs",
    least: None,
};

pub const CHROMIUM: Tool = Tool {
    program: "chromium",
    role: "clicks through the sample shop, and runs the tests of page and shop",
    install: "apt-get install -y chromium",
    least: None,
};

pub const PYTHON: Tool = Tool {
    program: "python3",
    role: "runs what results are compared with and the documented consumer of the topics, and checks the deployment files",
    install: "apt-get install -y python3-venv",
    least: None,
};

pub const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    role: "checks licences, sources and known weaknesses of the dependencies",
    install: "cargo install --locked cargo-deny",
    least: None,
};

/// Why a tool cannot be used. Its text names the line that helps.
#[derive(Debug)]
pub enum Missing {
    Absent(&'static Tool),
    TooOld {
        tool: &'static Tool,
        found: u32,
        least: u32,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = match self {
            Self::Absent(tool) => {
                write!(f, "{} is missing ({})", tool.program, tool.role)?;
                tool
            }
            Self::TooOld { tool, found, least } => {
                write!(
                    f,
                    "{} is version {found}, {least} or newer is needed ({})",
                    tool.program, tool.role
                )?;
                tool
            }
        };
        write!(f, "; on Debian: {}", tool.install)
    }
}

impl std::error::Error for Missing {}

/// The first of these tools that cannot be used, or none.
pub fn missing(tools: &[&'static Tool]) -> Option<Missing> {
    tools.iter().find_map(|tool| tool.look().err())
}

/// An error that names the first of these tools that cannot be used.
pub fn need(tools: &[&'static Tool]) -> Result<(), Missing> {
    missing(tools).map_or(Ok(()), Err)
}

impl Tool {
    /// Where it lies.
    pub fn path(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|dir| dir.join(self.program))
            .find(|file| file.is_file())
    }

    fn look(&'static self) -> Result<(), Missing> {
        if self.path().is_none() {
            return Err(Missing::Absent(self));
        }
        let Some(least) = self.least else { return Ok(()) };
        let version = child::output(Command::new(self.program).arg("--version")).unwrap_or_default();
        match major(&version) {
            Some(found) if found < least => Err(Missing::TooOld {
                tool: self,
                found,
                least,
            }),
            _ => Ok(()),
        }
    }
}

/// The first whole number in what a program says of its version.
fn major(version: &str) -> Option<u32> {
    let digits = version.find(|c: char| c.is_ascii_digit())?;
    version
        .get(digits..)?
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_the_line_that_installs_it() {
        static ABSENT: Tool = Tool {
            program: "no-such-program",
            role: "nothing",
            install: "apt-get install -y no-such",
            least: None,
        };
        let said = missing(&[&ABSENT]).unwrap().to_string();
        assert!(
            said.contains("no-such-program") && said.contains("apt-get install -y no-such"),
            "{said}"
        );
    }

    #[test]
    fn a_tool_that_is_too_old_is_told_from_a_missing_one() {
        static FUTURE: Tool = Tool {
            program: "cargo",
            role: "builds",
            install: "rustup update",
            least: Some(u32::MAX),
        };
        assert!(matches!(missing(&[&FUTURE]), Some(Missing::TooOld { .. })));
    }

    #[test]
    fn versions_are_read_however_a_program_spells_them() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("Chromium 142.0.7444.59 built on Debian"), Some(142));
        assert_eq!(major("unknown"), None);
    }
}
