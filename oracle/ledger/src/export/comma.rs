//! Comma-separated lines.

use std::io::Write;

use super::{COLUMNS, Line, Sink, failed};
use crate::LedgerError;

pub(super) struct Lines<W: Write>(csv::Writer<W>);

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W) -> Result<Self, LedgerError> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(COLUMNS).map_err(|error| failed(&error))?;
        Ok(Self(writer))
    }
}

impl<W: Write> Sink for Lines<W> {
    fn line(&mut self, line: Line) -> Result<(), LedgerError> {
        let Line { epoch, state, row } = line;
        let receipt = row.receipt;
        let fields = [
            epoch.map(|epoch| epoch.to_string()).unwrap_or_default(),
            state.to_owned(),
            receipt.id.to_string(),
            receipt.assetId.to_string(),
            receipt.version.to_string(),
            receipt.licenseId.to_string(),
            receipt.payer.to_string(),
            row.credential.to_string(),
            receipt.units.to_string(),
            receipt.servedAt.to_string(),
            receipt.requestHash.to_string(),
            receipt.inputCommitment.to_string(),
            receipt.outputHash.to_string(),
            receipt.sketchHash.to_string(),
            receipt.token.to_string(),
            receipt.amount.to_string(),
        ];
        self.0.write_record(&fields).map_err(|error| failed(&error))
    }

    fn finish(&mut self) -> Result<(), LedgerError> {
        self.0.flush().map_err(|error| failed(&error))
    }
}
