//! CSV and JSON lines, read a row at a time, with line numbers.
//!
//! A column of JSON is a path with dots (`properties.plan`); a key that has dots itself is tried first. A list of
//! `{"key": …, "value": {"string_value": …}}`, which is how BigQuery exports the parameters of GA4, is read like an object.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::StringRecord;
use indicatif::ProgressBar;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A row that was read, or why it was not.
pub type Read1 = Result<Row, String>;

#[derive(Debug)]
pub struct Row {
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    Csv(StringRecord, std::rc::Rc<StringRecord>),
    Json(Value),
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Truth(bool),
}

impl Cell {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

impl Row {
    /// The first of several columns that has something in this row.
    pub fn get(&self, columns: &[String]) -> Option<Cell> {
        columns.iter().find_map(|column| self.one(column))
    }

    pub fn one(&self, column: &str) -> Option<Cell> {
        match &self.cells {
            Cells::Csv(record, header) => {
                let place = header.iter().position(|name| name.trim() == column)?;
                let text = record.get(place)?.trim();
                (!text.is_empty()).then(|| Cell::Text(text.to_owned()))
            }
            Cells::Json(value) => plain(find(value, column)?),
        }
    }
}

fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(found) = member(value, path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let (head, tail) = (path.get(..dot)?, path.get(dot + 1..)?);
        find(member(value, head)?, tail)
    })
}

fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(list) => list
            .iter()
            .find(|entry| entry.get("key").and_then(Value::as_str) == Some(key))
            .and_then(|entry| entry.get("value")),
        _ => None,
    }
}

fn plain(value: &Value) -> Option<Cell> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(Cell::Text(text.trim().to_owned())),
        Value::Number(number) => number.as_f64().map(Cell::Number),
        Value::Bool(truth) => Some(Cell::Truth(*truth)),
        // A parameter of GA4: one of these is set, and integers are written as text.
        Value::Object(members) => ["string_value", "int_value", "float_value", "double_value"]
            .iter()
            .find_map(|kind| {
                let value = members.get(*kind).filter(|value| !value.is_null())?;
                match (*kind, value) {
                    ("string_value", value) => plain(value),
                    (_, Value::String(number)) => number.parse().ok().map(Cell::Number),
                    (_, value) => value.as_f64().map(Cell::Number),
                }
            }),
        Value::Null | Value::Array(_) => None,
    }
}

/// A file that is being read.
#[derive(Debug)]
pub struct Table {
    /// The columns of a CSV file; none of JSON, whose rows each have their own.
    pub columns: Option<Vec<String>>,
}

/// Reads a whole file, giving each row with its line. Returns its columns and the hash of its bytes.
pub fn read(
    path: &Path,
    progress: &ProgressBar,
    mut start: impl FnMut(&Table) -> Result<(), String>,
    mut each: impl FnMut(u64, Read1),
) -> Result<[u8; 32], String> {
    let told = |error: io::Error| error.to_string();
    let file = File::open(path).map_err(told)?;
    let mut input = BufReader::with_capacity(
        1 << 17,
        Watched {
            inner: file,
            progress,
            hash: Sha256::new(),
        },
    );
    let seen = input.fill_buf().map_err(told)?;
    // A mark of the byte order is passed over.
    let is_text = |byte: &&u8| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf);
    let first = match seen.iter().find(is_text) {
        Some(&first) => first,
        None if seen.is_empty() => return Err("the file is empty".to_owned()),
        None => {
            return Err(
                "the file begins with blank space; begin with the header or the first object".to_owned(),
            );
        }
    };
    match first {
        b'[' => return Err("is one JSON list; write one object a line: jq -c '.[]' FILE".to_owned()),
        b'{' => {
            start(&Table { columns: None })?;
            read_json(&mut input, &mut each).map_err(told)?;
        }
        0x1f => return Err("is compressed; unpack it first".to_owned()),
        _ => read_csv(&mut input, &mut start, &mut each)?,
    }
    // What no row needed belongs to the content too.
    io::copy(&mut input, &mut io::sink()).map_err(told)?;
    Ok(input.into_inner().hash.finalize().into())
}

fn read_json(input: &mut impl BufRead, each: &mut impl FnMut(u64, Read1)) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row = match serde_json::from_slice::<Value>(&line) {
            Ok(value @ Value::Object(_)) => Ok(Row {
                cells: Cells::Json(value),
            }),
            Ok(_) => Err("no JSON object".to_owned()),
            // Its position only: the message may quote what the row holds.
            Err(error) => Err(format!("no JSON from column {} on", error.column())),
        };
        each(number, row);
    }
    Ok(())
}

fn read_csv(
    input: &mut impl BufRead,
    start: &mut impl FnMut(&Table) -> Result<(), String>,
    each: &mut impl FnMut(u64, Read1),
) -> Result<(), String> {
    let seen = input.fill_buf().map_err(|error| error.to_string())?;
    let header = seen.split(|&byte| byte == b'\n').next().unwrap_or_default();
    // The separator that the header uses most; a comma where none is used.
    let count = |separator: u8| header.split(|&byte| byte == separator).count();
    let delimiter = *[b'\t', b';', b',']
        .iter()
        .max_by_key(|&&separator| count(separator))
        .unwrap_or(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(input);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let width = columns.len();
    start(&Table {
        columns: Some(columns),
    })?;
    let header = std::rc::Rc::new(header);
    let mut record = StringRecord::new();
    loop {
        let before = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = record.position().map_or(before, csv::Position::line);
                if record.len() == width {
                    each(
                        line,
                        Ok(Row {
                            cells: Cells::Csv(record.clone(), header.clone()),
                        }),
                    );
                } else {
                    each(line, Err(format!("{} fields instead of {width}", record.len())));
                }
            }
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                each(before, Err("no UTF-8".to_owned()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Passes bytes on, hashes them and moves the bar.
struct Watched<'p> {
    inner: File,
    progress: &'p ProgressBar,
    hash: Sha256,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        self.progress.inc(n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Read1)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let mut rows = Vec::new();
        read(
            file.path(),
            &ProgressBar::hidden(),
            |_| Ok(()),
            |line, row| rows.push((line, row)),
        )
        .unwrap();
        rows
    }

    #[test]
    fn a_row_knows_its_line_even_after_one_of_several() {
        let rows = rows("a,b\n1,\"x\ny\"\n2\n3,z\n");
        let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 5]);
        assert_eq!(rows[1].1.as_ref().unwrap_err(), "1 fields instead of 2");
        assert_eq!(rows[2].1.as_ref().unwrap().one("b"), Some(Cell::Text("z".into())));
    }

    #[test]
    fn a_semicolon_separates_where_the_header_says_so() {
        let rows = rows("a;b\n1,5;x\n");
        assert_eq!(
            rows[0].1.as_ref().unwrap().one("a"),
            Some(Cell::Text("1,5".into()))
        );
    }

    #[test]
    fn json_is_looked_up_by_path_and_parameters_of_ga4_by_key() {
        let line = r#"{"a":{"b":1},"p":{"$feature/x.y":true},"event_params":[
            {"key":"q","value":{"string_value":null,"int_value":"7"}},{"key":"s","value":{"string_value":"t"}}]}"#
            .replace('\n', " ");
        let rows = rows(&format!("{line}\nnonsense\n"));
        let row = rows[0].1.as_ref().unwrap();
        assert_eq!(row.one("a.b"), Some(Cell::Number(1.0)));
        assert_eq!(row.one("p.$feature/x.y"), Some(Cell::Truth(true)));
        assert_eq!(row.one("event_params.q"), Some(Cell::Number(7.0)));
        assert_eq!(row.one("event_params.s"), Some(Cell::Text("t".into())));
        assert_eq!(row.one("event_params.none"), None);
        assert_eq!((rows[1].0, rows[1].1.is_err()), (2, true));
    }
}
