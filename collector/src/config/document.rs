//! A TOML file as a tree in which every value knows where it was written.
//!
//! Checks that look at several values at once (do the weights add up?) still name the right line, and a value that an
//! environment variable or a flag replaced names that instead.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Place, Problem, Problems};

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Truth(bool),
    List(Vec<Node>),
    Table(Table),
    /// From an environment variable or a flag: the setting decides what type the text has.
    Given(String),
    /// A kind that no setting has (a date).
    Other(String),
}

/// The entries of a table by key, each with the place of its key.
pub type Table = BTreeMap<String, Node>;

/// Reads a TOML text. Mistakes in its grammar are noted; what could be read is returned all the same.
pub fn parse(problems: &mut Problems, file: &str, text: &str) -> Node {
    let file: Arc<str> = file.into();
    let lines = Lines::of(file.clone(), text);
    let (table, errors) = DeTable::parse_recoverable(text);
    // The parser's later errors are mostly echoes of the first: a missing quote swallows what follows.
    if let Some(error) = errors.first() {
        problems.push(Problem {
            at: error
                .span()
                .map_or(Place::File { file }, |span| lines.place(span.start)),
            setting: String::new(),
            value: None,
            what: format!("this is not TOML: {}", error.message().replace('\n', "; ")),
            remedy: "Mend this line; what follows it was not checked".into(),
        });
        return Node {
            at: lines.place(0),
            value: Value::Table(Table::new()),
        };
    }
    Node {
        at: lines.place(0),
        value: Value::Table(lines.table(table.get_ref())),
    }
}

/// Turns byte offsets into line numbers.
struct Lines {
    file: Arc<str>,
    /// The offset at which each line starts, ascending.
    starts: Vec<usize>,
}

impl Lines {
    fn of(file: Arc<str>, text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, byte)| *byte == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        Self { file, starts }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        Place::Line {
            file: self.file.clone(),
            line,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), self.entry(key.span().start, value)))
            .collect()
    }

    /// A table's place is its key, so that a missing entry is reported at its header; another value's place is its own.
    fn entry(&self, key_offset: usize, value: &Spanned<DeValue<'_>>) -> Node {
        let mut node = self.node(value);
        if matches!(node.value, Value::Table(_)) {
            node.at = self.place(key_offset);
        }
        node
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let at = self.place(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                    .map_or_else(|_| Value::Other(number.as_str().to_owned()), Value::Integer)
            }
            DeValue::Float(number) => number
                .as_str()
                .replace('_', "")
                .parse()
                .map_or_else(|_| Value::Other(number.as_str().to_owned()), Value::Float),
            DeValue::Boolean(truth) => Value::Truth(*truth),
            DeValue::Datetime(date) => Value::Other(date.to_string()),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(entries) => Value::Table(self.table(entries)),
        };
        Node { at, value }
    }
}

/// As a person would write it, cut where it gets long.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Text(text) | Value::Given(text) => write!(f, "{:?}", shortened(text)),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Truth(truth) => write!(f, "{truth}"),
            Value::Other(text) => write!(f, "{}", shortened(text)),
            Value::List(items) => {
                let shown: Vec<String> = items.iter().take(6).map(ToString::to_string).collect();
                let more = if items.len() > 6 { ", …" } else { "" };
                write!(f, "[{}{more}]", shown.join(", "))
            }
            Value::Table(entries) if entries.is_empty() => write!(f, "{{}}"),
            Value::Table(entries) => {
                let shown: Vec<String> = entries
                    .iter()
                    .take(4)
                    .map(|(key, node)| format!("{key} = {node}"))
                    .collect();
                let more = if entries.len() > 4 { ", …" } else { "" };
                write!(f, "{{ {}{more} }}", shown.join(", "))
            }
        }
    }
}

/// The longest text that an error repeats: a line of a terminal.
const SHOWN_CHARS: usize = 80;

fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS {
        return text.to_owned();
    }
    text.chars().take(SHOWN_CHARS).chain("…".chars()).collect()
}
