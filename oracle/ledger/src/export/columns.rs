//! Parquet, in groups of rows, so that an epoch of any length needs the memory of one group.

use std::{io::Write, sync::Arc};

use parquet::{
    data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::{COLUMNS, Line, Sink, failed};
use crate::LedgerError;

/// Rows of one group.
const GROUP: usize = 16_384;

pub(super) struct Groups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    lines: Vec<Line>,
}

impl<W: Write + Send> Groups<W> {
    pub(super) fn new(to: W) -> Result<Self, LedgerError> {
        let schema = parse_message_type(&schema()).map_err(|error| failed(&error))?;
        let properties = Arc::new(WriterProperties::builder().build());
        let writer = SerializedFileWriter::new(to, Arc::new(schema), properties).map_err(|error| failed(&error))?;
        Ok(Self { writer, lines: Vec::with_capacity(GROUP) })
    }
}

impl<W: Write + Send> Sink for Groups<W> {
    fn line(&mut self, line: Line) -> Result<(), LedgerError> {
        self.lines.push(line);
        if self.lines.len() < GROUP {
            return Ok(());
        }
        self.group().map_err(|error| failed(&error))
    }

    fn finish(&mut self) -> Result<(), LedgerError> {
        let finished = if self.lines.is_empty() { Ok(()) } else { self.group() };
        finished.and_then(|()| self.writer.finish().map(drop)).map_err(|error| failed(&error))
    }
}

fn schema() -> String {
    let columns = COLUMNS.map(|name| match name {
        "epoch" => format!("optional int64 {name} (INTEGER(64,false));"),
        "version" => format!("required int32 {name} (INTEGER(32,false));"),
        "units" | "served_at" => format!("required int64 {name} (INTEGER(64,false));"),
        _ => format!("required binary {name} (STRING);"),
    });
    format!("message receipts {{ {} }}", columns.join(" "))
}

impl<W: Write + Send> Groups<W> {
    /// Writes the lines that wait, column by column, in the order of [`COLUMNS`].
    fn group(&mut self) -> Result<(), ParquetError> {
        let lines = std::mem::take(&mut self.lines);
        let mut group = Group { group: self.writer.next_row_group()?, lines: &lines };
        let epochs: Vec<_> = lines.iter().filter_map(|line| line.epoch).map(u64::cast_signed).collect();
        let present: Vec<_> = lines.iter().map(|line| i16::from(line.epoch.is_some())).collect();
        group.column::<Int64Type>(&epochs, Some(&present))?;
        group.text(|line| line.state.to_owned())?;
        group.text(|line| line.row.receipt.id.to_string())?;
        group.text(|line| line.row.receipt.assetId.to_string())?;
        let versions: Vec<_> = lines.iter().map(|line| line.row.receipt.version.cast_signed()).collect();
        group.column::<Int32Type>(&versions, None)?;
        group.text(|line| line.row.receipt.licenseId.to_string())?;
        group.text(|line| line.row.receipt.payer.to_string())?;
        group.text(|line| line.row.credential.to_string())?;
        group.number(|line| line.row.receipt.units)?;
        group.number(|line| line.row.receipt.servedAt)?;
        group.text(|line| line.row.receipt.requestHash.to_string())?;
        group.text(|line| line.row.receipt.inputCommitment.to_string())?;
        group.text(|line| line.row.receipt.outputHash.to_string())?;
        group.text(|line| line.row.receipt.sketchHash.to_string())?;
        group.text(|line| line.row.receipt.token.to_string())?;
        group.text(|line| line.row.receipt.amount.to_string())?;
        group.group.close()?;
        Ok(())
    }
}

struct Group<'a, W: Write + Send> {
    group: parquet::file::writer::SerializedRowGroupWriter<'a, W>,
    lines: &'a [Line],
}

impl<W: Write + Send> Group<'_, W> {
    fn column<T: DataType>(&mut self, values: &[T::T], present: Option<&[i16]>) -> Result<(), ParquetError> {
        let column = self.group.next_column()?;
        let mut column = column.ok_or_else(|| ParquetError::General("the schema has fewer columns".into()))?;
        column.typed::<T>().write_batch(values, present, None)?;
        column.close()
    }

    fn text(&mut self, of: impl Fn(&Line) -> String) -> Result<(), ParquetError> {
        let values: Vec<_> = self.lines.iter().map(|line| ByteArray::from(of(line).into_bytes())).collect();
        self.column::<ByteArrayType>(&values, None)
    }

    /// Unsigned, as the schema says.
    fn number(&mut self, of: impl Fn(&Line) -> u64) -> Result<(), ParquetError> {
        let values: Vec<_> = self.lines.iter().map(|line| of(line).cast_signed()).collect();
        self.column::<Int64Type>(&values, None)
    }
}
