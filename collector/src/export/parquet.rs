//! Parquet: the columns of [`jsonl`](super::jsonl), typed. `outcomes` is JSON text, which warehouses take apart.
//!
//! A file is whole only with its footer, which [`Sink::finish`] writes: what was cut short is no Parquet file.

use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use super::{Row, Sink};

/// In this order they are written. A reader finds them by name.
const SCHEMA: &str = "
    message decisions {
        required int64 timestamp (TIMESTAMP(MILLIS, true));
        required binary anonymous_id (STRING);
        required binary experiment_id (STRING);
        required binary variation_id (STRING);
        required double propensity;
        required boolean comparison_group;
        required binary outcome (STRING);
        required double reward;
        required binary outcomes (JSON);
        required boolean final;
        required binary revision (STRING);
        required binary model_version (STRING);
    }";

/// Held in memory until a group is written: 20 MB or so. Readers skip whole groups by their times.
const GROUP: usize = 100_000;

pub struct Groups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    held: Columns,
}

#[derive(Default)]
struct Columns {
    timestamp: Vec<i64>,
    anonymous_id: Vec<ByteArray>,
    experiment_id: Vec<ByteArray>,
    variation_id: Vec<ByteArray>,
    propensity: Vec<f64>,
    comparison_group: Vec<bool>,
    outcome: Vec<ByteArray>,
    reward: Vec<f64>,
    outcomes: Vec<ByteArray>,
    is_final: Vec<bool>,
    revision: Vec<ByteArray>,
    model_version: Vec<ByteArray>,
}

impl<W: Write + Send> Groups<W> {
    pub fn new(to: W) -> io::Result<Self> {
        let schema = parse_message_type(SCHEMA).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties));
        Ok(Self {
            file: file.map_err(failed)?,
            held: Columns::default(),
        })
    }
}

impl<W: Write + Send> Sink for Groups<W> {
    fn put(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.held.put(row);
        if self.held.timestamp.len() < GROUP {
            return Ok(());
        }
        mem::take(&mut self.held).write(&mut self.file).map_err(failed)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let Self { mut file, held } = *self;
        held.write(&mut file).map_err(failed)?;
        file.close().map_err(failed)?;
        Ok(())
    }
}

impl Columns {
    fn put(&mut self, row: &Row<'_>) {
        self.timestamp.push(row.decided_at_ms.cast_signed());
        self.anonymous_id.push(text(&hex::encode(row.unit.0)));
        self.experiment_id.push(text(row.experiment));
        self.variation_id.push(text(row.variation));
        self.propensity.push(row.propensity);
        self.comparison_group.push(row.in_comparison_group);
        self.outcome.push(text(row.outcome));
        self.reward.push(row.reward);
        let outcomes = serde_json::Value::Object(row.outcomes.clone());
        self.outcomes.push(text(&outcomes.to_string()));
        self.is_final.push(row.is_final);
        self.revision.push(text(&format!("{:016x}", row.revision.0)));
        self.model_version.push(text(&row.model.to_string()));
    }

    /// One row group; a group without rows is none.
    fn write<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        if self.timestamp.is_empty() {
            return Ok(());
        }
        let mut group = file.next_row_group()?;
        column::<Int64Type, W>(&mut group, &self.timestamp)?;
        for texts in [&self.anonymous_id, &self.experiment_id, &self.variation_id] {
            column::<ByteArrayType, W>(&mut group, texts)?;
        }
        column::<DoubleType, W>(&mut group, &self.propensity)?;
        column::<BoolType, W>(&mut group, &self.comparison_group)?;
        column::<ByteArrayType, W>(&mut group, &self.outcome)?;
        column::<DoubleType, W>(&mut group, &self.reward)?;
        column::<ByteArrayType, W>(&mut group, &self.outcomes)?;
        column::<BoolType, W>(&mut group, &self.is_final)?;
        for texts in [&self.revision, &self.model_version] {
            column::<ByteArrayType, W>(&mut group, texts)?;
        }
        group.close()?;
        Ok(())
    }
}

/// The next column of the schema.
fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "more columns than the schema has".to_owned(),
        ));
    };
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
