//! Rows become decisions and outcomes.

use std::collections::HashMap;
use std::path::Path;

use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::features::encode;
use tiltwise_core::revision::{Attribute, AttributeKind, Revision};
use tiltwise_core::targeting;

use super::choice::{Choice, class_of};
use super::mapping::{Mapping, columns};
use super::names::{Names, check_columns, number, plain, truth};
use super::table::{self, Cell, Row, Table};
use super::tally::{Reason, Tally};
use super::{Decision, Outcome, Rows, UnitId, time};

/// Reads the rows of one or two files for one experiment.
#[derive(Debug)]
pub struct Reader<'a> {
    revision: &'a Revision,
    choice: &'a Choice,
    now_ms: u64,
    names: Names,
    /// By our name of an attribute: where it is, and their values with ours.
    attributes: Vec<(&'a Attribute, Vec<String>)>,
    mapping: &'a Mapping,
    /// Stands between a unit and what is kept of it in memory; it is never written down.
    secret: [u8; 32],
    known: HashMap<(Vec<u32>, Vec<i32>), u32>,
    pub rows: Rows,
    pub tally: Tally,
    /// Over all decisions, the inverse of their propensities.
    pub inverse: f64,
    /// Attributes that a CSV file has no column for.
    pub absent: Vec<String>,
    content: Sha256,
}

/// A row that is left out: why, and what it has there.
type Left = (Reason, Option<String>);

impl<'a> Reader<'a> {
    /// `secret` is random, and new each time.
    pub fn new(
        revision: &'a Revision,
        mapping: &'a Mapping,
        choice: &'a Choice,
        now_ms: u64,
        secret: [u8; 32],
    ) -> Self {
        let names = Names::of(mapping, revision);
        let attributes = revision
            .attributes
            .iter()
            .filter_map(|attribute| {
                Some((attribute, columns(Some(mapping.attributes.get(&attribute.name)?))))
            })
            .collect();
        let whole_rows = names.event.is_empty() && (!names.outcome.is_empty() || mapping.preset.is_none());
        Self {
            revision,
            choice,
            now_ms,
            names,
            attributes,
            mapping,
            secret,
            known: HashMap::new(),
            rows: Rows {
                whole_rows,
                first_ms: u64::MAX,
                ..Rows::default()
            },
            tally: Tally::default(),
            inverse: 0.0,
            absent: Vec::new(),
            content: Sha256::new(),
        }
    }

    /// Reads the file of decisions, with their outcomes or without.
    pub fn read(&mut self, path: &Path, has_outcomes: bool, progress: &ProgressBar) -> Result<(), String> {
        self.rows.whole_rows &= has_outcomes;
        let needed: Vec<(&'static str, String)> = self
            .mapping
            .needed()
            .into_iter()
            .filter(|(flag, _)| has_outcomes || !flag.starts_with("--outcome"))
            .map(|(flag, column)| (flag, column.clone()))
            .collect();
        let attributes = self.attributes.clone();
        let mut absent = Vec::new();
        let start = |table: &Table| {
            check_columns(table, &needed)?;
            let there = table.columns.as_deref().unwrap_or_default();
            let lacks =
                |columns: &[String]| table.columns.is_some() && !columns.iter().any(|c| there.contains(c));
            absent.extend(
                attributes
                    .iter()
                    .filter(|(_, c)| lacks(c))
                    .map(|(attribute, _)| attribute.name.clone()),
            );
            Ok(())
        };
        self.each(path, progress, start, Self::row)?;
        self.absent = absent;
        Ok(())
    }

    /// Reads a file whose rows are all outcomes.
    pub fn read_outcomes(&mut self, path: &Path, progress: &ProgressBar) -> Result<(), String> {
        self.tally.of_outcomes = true;
        let read = self.each_outcome(path, progress);
        self.tally.of_outcomes = false;
        read
    }

    fn each_outcome(&mut self, path: &Path, progress: &ProgressBar) -> Result<(), String> {
        self.each(
            path,
            progress,
            |_| Ok(()),
            |reader, line, row| {
                if !reader.names.event.is_empty() && !reader.is_conversion(row) {
                    return Err((Reason::OtherEvent, None));
                }
                let at_ms = reader.time(row)?;
                reader.outcome_row(line, row, at_ms)
            },
        )
    }

    /// Names all that was read.
    pub fn content(&self) -> [u8; 32] {
        self.content.clone().finalize().into()
    }

    fn each(
        &mut self,
        path: &Path,
        progress: &ProgressBar,
        start: impl FnMut(&Table) -> Result<(), String>,
        take: impl Fn(&mut Self, u64, &Row) -> Result<(), Left>,
    ) -> Result<(), String> {
        let hash = table::read(path, progress, start, |line, row| {
            self.tally.rows += 1;
            let taken = match row {
                Ok(row) => take(self, line, &row),
                Err(what) => Err((Reason::Malformed, Some(what))),
            };
            if let Err((reason, found)) = taken {
                self.tally.leave_out(reason, line, found.as_deref());
            }
        })?;
        self.content.update(hash);
        Ok(())
    }

    fn row(&mut self, line: u64, row: &Row) -> Result<(), Left> {
        let is_event = !self.names.event.is_empty();
        if is_event {
            let event = row
                .get(&self.names.event)
                .map(|cell| cell.text())
                .unwrap_or_default();
            if self.names.exposure.contains(&event) {
                let at_ms = self.time(row)?;
                return self.decision_row(line, row, at_ms);
            }
            let at_ms = self.time(row)?;
            if self.is_conversion(row) {
                return self.outcome_row(line, row, at_ms);
            }
            return Err((Reason::OtherEvent, None));
        }
        let at_ms = self.time(row)?;
        // An assignment query's rows have a variant, a metric's have none.
        if !self.rows.whole_rows && !self.names.variant.is_empty() && row.get(&self.names.variant).is_none() {
            return self.outcome_row(line, row, at_ms);
        }
        self.decision_row(line, row, at_ms)
    }

    fn is_conversion(&self, row: &Row) -> bool {
        let event = row
            .get(&self.names.event)
            .map(|cell| cell.text())
            .unwrap_or_default();
        self.names.conversion.contains(&event)
    }

    fn decision_row(&mut self, line: u64, row: &Row, at_ms: u64) -> Result<(), Left> {
        let arm = self.arm(row)?;
        let propensity = self.propensity(row, arm)?;
        let unit = self.unit(row)?;
        let outcome = if self.rows.whole_rows {
            self.own_outcome(row, line, at_ms)?
        } else {
            None
        };
        let context = self.context(row);
        if !targeting::matches(&self.revision.when, &context) {
            return Err((Reason::NotEligible, None));
        }
        let features = encode(&self.revision.attributes, &context);
        let next = self.known.len() as u32;
        let seen = (features.slots.clone(), features.values_q10.clone());
        let place = *self.known.entry(seen).or_insert(next);
        if place == next {
            self.rows.features.push(features);
        }
        self.inverse += 1.0 / propensity;
        self.rows.decisions.push(Decision {
            unit,
            at_ms,
            line,
            arm,
            class: class_of(propensity),
            features: place,
            outcome,
        });
        Ok(())
    }

    fn outcome_row(&mut self, line: u64, row: &Row, at_ms: u64) -> Result<(), Left> {
        let unit = self.unit(row)?;
        let value = self.amount(row)?;
        let id = self.outcome_id(row, line);
        self.rows.outcomes.push((unit, Outcome { at_ms, value, id }));
        self.tally.outcomes += 1;
        Ok(())
    }

    fn time(&mut self, row: &Row) -> Result<u64, Left> {
        let cell = row.get(&self.names.time).ok_or((Reason::NoTime, None))?;
        let at_ms = time::parse(&cell.text()).ok_or_else(|| (Reason::BadTime, Some(cell.text())))?;
        if at_ms > self.now_ms {
            return Err((Reason::Future, Some(cell.text())));
        }
        self.rows.first_ms = self.rows.first_ms.min(at_ms);
        self.rows.last_ms = self.rows.last_ms.max(at_ms);
        Ok(at_ms)
    }

    fn unit(&self, row: &Row) -> Result<UnitId, Left> {
        let cell = row.get(&self.names.unit).ok_or((Reason::NoUnit, None))?;
        Ok(self.hash(b"unit", cell.text().as_bytes()))
    }

    fn hash(&self, kind: &[u8], bytes: &[u8]) -> [u8; 16] {
        let whole: [u8; 32] = Sha256::new()
            .chain_update(self.secret)
            .chain_update(kind)
            .chain_update(bytes)
            .finalize()
            .into();
        let mut half = [0; 16];
        half.copy_from_slice(whole.split_at(16).0);
        half
    }

    /// The arm that was shown.
    fn arm(&self, row: &Row) -> Result<u8, Left> {
        if let (Choice::Only(arm), true) = (self.choice, self.names.variant.is_empty()) {
            return Ok(*arm);
        }
        if let Some(ours) = &self.mapping.experiment {
            let theirs: Vec<String> = self
                .names
                .experiment
                .iter()
                .filter_map(|column| row.one(column))
                .map(|c| c.text())
                .collect();
            if !theirs.is_empty() && !theirs.contains(ours) {
                return Err((Reason::OtherExperiment, None));
            }
        }
        let mut first = None;
        for column in &self.names.variant {
            let Some(cell) = row.one(column) else { continue };
            let mut text = cell.text();
            // Experiment and variant in one text, as GA4's integrations write it: TOOL-EXPERIMENT-VARIANT.
            if let (Some(prefix), true) = (&self.mapping.experiment, self.names.experiment.is_empty()) {
                let rest = text
                    .strip_prefix(prefix.as_str())
                    .and_then(|rest| rest.strip_prefix('-'));
                match rest.map(str::len) {
                    Some(rest) => drop(text.drain(..text.len() - rest)),
                    None => return Err((Reason::OtherExperiment, None)),
                }
            }
            if let Some(arm) = self.arm_of(&text) {
                return Ok(arm);
            }
            first.get_or_insert(text);
        }
        match first {
            Some(text) => Err((Reason::UnknownVariant, Some(text))),
            None => Err((Reason::NoVariant, None)),
        }
    }

    fn arm_of(&self, theirs: &str) -> Option<u8> {
        let key = self.mapping.variants.get(theirs).map_or(theirs, String::as_str);
        let arm = self
            .revision
            .variants
            .iter()
            .position(|variant| variant.key == key)? as u8;
        match self.choice {
            Choice::Randomised(shares) => shares.iter().any(|(a, _)| *a == arm).then_some(arm),
            _ => Some(arm),
        }
    }

    fn propensity(&self, row: &Row, arm: u8) -> Result<f64, Left> {
        match self.choice {
            Choice::Logged => {
                let cell = row
                    .get(&self.names.propensity)
                    .ok_or((Reason::NoPropensity, None))?;
                let propensity = number(&cell).filter(|p| *p > 0.0 && *p <= 1.0);
                let propensity = propensity.ok_or_else(|| (Reason::BadPropensity, Some(cell.text())))?;
                if propensity >= 1.0 {
                    return Err((Reason::Certain, None));
                }
                Ok(propensity)
            }
            Choice::Randomised(shares) => {
                let share = shares.iter().find(|(a, _)| *a == arm).map(|(_, share)| *share);
                share.ok_or((Reason::UnknownVariant, None))
            }
            Choice::Only(_) | Choice::Unknown => Ok(1.0),
        }
    }

    /// What the row itself says of its outcome.
    fn own_outcome(&self, row: &Row, line: u64, at_ms: u64) -> Result<Option<Outcome>, Left> {
        let is_rate = self.revision.metric().cap_micros == 0;
        let said = row.get(&self.names.outcome);
        let happened = match &said {
            None => !is_rate && self.names.outcome.is_empty(),
            Some(cell) => truth(cell).ok_or_else(|| (Reason::BadOutcome, Some(cell.text())))?,
        };
        if !happened {
            return Ok(None);
        }
        let at_ms = match row.get(&self.names.outcome_time) {
            Some(cell) => time::parse(&cell.text()).ok_or_else(|| (Reason::BadTime, Some(cell.text())))?,
            None => at_ms,
        };
        // A column with amounts serves as both.
        let value = match (&said, self.names.value.is_empty()) {
            (Some(cell), true) if !is_rate => number(cell).unwrap_or(0.0),
            _ => self.amount(row)?,
        };
        let id = self.outcome_id(row, line);
        Ok((is_rate || value > 0.0).then_some(Outcome { at_ms, value, id }))
    }

    fn amount(&self, row: &Row) -> Result<f64, Left> {
        let metric = self.revision.metric();
        if metric.cap_micros == 0 {
            return Ok(0.0);
        }
        if let Some(currency) = row
            .get(&self.names.currency)
            .filter(|_| !metric.currency.is_empty())
            && currency.text() != metric.currency
        {
            return Err((Reason::OtherCurrency, Some(currency.text())));
        }
        let Some(cell) = row.get(&self.names.value) else {
            return Ok(0.0);
        };
        number(&cell)
            .filter(|value| (0.0..=1e9).contains(value))
            .ok_or_else(|| (Reason::BadOutcome, Some(cell.text())))
    }

    fn outcome_id(&self, row: &Row, line: u64) -> [u8; 16] {
        match row.get(&self.names.outcome_id) {
            Some(cell) => self.hash(b"order", cell.text().as_bytes()),
            None => self.hash(
                b"line",
                &[line.to_le_bytes(), self.tally.rows.to_le_bytes()].concat(),
            ),
        }
    }

    fn context(&self, row: &Row) -> Context {
        let mut context = Context::new();
        for (attribute, columns) in &self.attributes {
            let Some(cell) = row.get(columns) else { continue };
            let ours = self
                .mapping
                .values
                .get(&attribute.name)
                .and_then(|values| values.get(&cell.text()));
            let value = match (ours, &attribute.kind, cell) {
                (Some(ours), AttributeKind::Categorical, _) => ContextValue::Text(ours.clone()),
                (_, AttributeKind::Categorical, Cell::Text(text)) => ContextValue::Text(text),
                (_, AttributeKind::Categorical, Cell::Number(n)) => ContextValue::Number(n),
                (_, _, Cell::Truth(truth)) => ContextValue::Truth(truth),
                // A number, or absent as it is at the edge.
                (_, _, cell) => match number(&cell) {
                    Some(n) => ContextValue::Number(n),
                    None => continue,
                },
            };
            context.set(&attribute.name, value);
        }
        // What `when` asks for and no model looks at.
        for (name, column) in &self.mapping.attributes {
            if !self
                .attributes
                .iter()
                .any(|(attribute, _)| attribute.name == *name)
                && let Some(cell) = row.get(&columns(Some(column)))
            {
                context.set(name, plain(cell));
            }
        }
        context
    }
}
