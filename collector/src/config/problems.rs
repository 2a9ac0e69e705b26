//! What is wrong with what people wrote, said all at once.
//!
//! A checker never stops at the first mistake: it notes a [`Problem`] and goes on, so that one run of `tiltwise check`
//! shows everything. Each problem names the place, the setting, the value as it was written, what is wrong with it, and
//! what to write instead.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A line of a file, counted from 1.
    Line { file: Arc<str>, line: usize },
    /// A file as a whole, where no line is to blame.
    File { file: Arc<str> },
    /// An environment variable.
    Environment { name: String },
    /// A command-line flag.
    Flag { name: String },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub at: Place,
    /// The dotted path of the setting: `http.listen`. Empty where none is to blame.
    pub setting: String,
    /// The value as it was written.
    pub value: Option<String>,
    /// What is wrong: a clause that goes on from the value ("is no duration").
    pub what: String,
    /// What to do: a sentence.
    pub remedy: String,
}

/// Everything that is wrong; empty when all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn as_slice(&self) -> &[Problem] {
        &self.found
    }

    /// Takes over the problems of another check.
    pub fn append(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
    }

    /// `value` if nothing was found, else everything that was.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.setting.is_empty() {
            write!(f, "{}", self.setting)?;
            match &self.value {
                Some(value) => write!(f, " = {value} ")?,
                None => write!(f, " ")?,
            }
        }
        write!(f, "{}. {}", self.what, self.remedy)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::File { file } => write!(f, "{file}"),
            Self::Environment { name } => write!(f, "environment variable {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}
