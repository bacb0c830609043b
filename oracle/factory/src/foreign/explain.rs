//! To whom an answer is owed.

use std::{num::NonZeroUsize, path::Path};

use tributary_attribution::{AttributionError, compile::SKETCH, explain::Hit, onnx};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};
use tributary_sdk::{Address, sketch::Sketch};

use super::{
    ForeignError, csv,
    folder::{self, Files},
    form::RecordForm,
};

/// An attributed model that answers and says whom it owes the answer to.
#[derive(Debug)]
pub struct Explainer {
    files: Files,
    form: RecordForm,
    output: String,
    session: Session,
}

/// An answer and those who helped and harmed it most. Influence is in the target's unit: positive raised the target of
/// what the model served.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The model's first output.
    pub output: Vec<f32>,
    /// The most helpful training records, by line in their file, from 1.
    pub helpful: Vec<Owed>,
    /// The most harmful.
    pub harmful: Vec<Owed>,
    /// The most helpful contributors, by row in the table, from 1.
    pub helpful_contributors: Vec<Owed>,
    /// The most harmful.
    pub harmful_contributors: Vec<Owed>,
}

/// A record's or contributor's part in an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owed {
    /// Which, from 1.
    pub place: usize,
    /// Whose.
    pub account: Address,
    /// How much it raised the target.
    pub influence: f64,
}

impl Explainer {
    /// Opens a folder that [`super::attribute()`] made.
    ///
    /// # Errors
    /// As [`folder::read`]; [`ForeignError::Runtime`].
    pub fn open(runtime: &OnnxRuntime, folder: &Path, options: &SessionOptions) -> Result<Self, ForeignError> {
        let files = folder::read(folder)?;
        let path = folder.join(folder::MODEL_FILE);
        let graph =
            onnx::decode(&files.model).map_err(|source| ForeignError::Model { path, source: Box::new(source) })?;
        let form = RecordForm::asked(&graph)?;
        let output = files.manifest.settings.output.clone();
        let session = Session::open(runtime, &files.model, options)?;
        Ok(Self { files, form, output, session })
    }

    /// The folder's files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Answers one record, a line without a label, and names the `count` most helpful and harmful.
    ///
    /// # Errors
    /// As [`csv::parse`]; [`ForeignError::Runtime`], [`ForeignError::Attribution`].
    pub fn explain(&mut self, record: &str, count: usize, threads: NonZeroUsize) -> Result<Answer, ForeignError> {
        let records = csv::parse("the record", record, &self.form)?;
        let inputs: Vec<_> = records.inputs().iter().map(|(name, column)| (name.as_str(), column.tensor())).collect();
        let mut outputs = self.session.run(&inputs, &[&self.output, SKETCH])?.into_iter();
        let mut next = || outputs.next().unwrap_or_default();
        let (output, sketch) = (next(), next());
        let sketch: Vec<f32> = sketch.into_iter().take(self.files.index.rows().width()).collect();
        let largest = sketch.iter().fold(0f64, |largest, value| largest.max(f64::from(value.abs())));
        if !largest.is_finite() {
            return Err(AttributionError::NotFinite("the sketch").into());
        }
        let unit = self.files.index.rows().unit() * largest / f64::from(i16::MAX);
        let found = self.files.index.explain(&Sketch::quantise(&sketch)?, count, threads)?;
        let owed = |hits: &[Hit], contributor: &dyn Fn(usize) -> Option<usize>| -> Vec<Owed> {
            let owed = |hit: &Hit| {
                let row = self.files.table.rows().get(contributor(hit.place)?)?;
                Some(Owed { place: hit.place + 1, account: row.account, influence: hit.score as f64 * unit })
            };
            hits.iter().filter_map(owed).collect()
        };
        let of_record = |place: usize| self.files.index.owners().get(place).map(|owner| *owner as usize);
        Ok(Answer {
            output: output.into_iter().collect(),
            helpful: owed(&found.helpful, &of_record),
            harmful: owed(&found.harmful, &of_record),
            helpful_contributors: owed(&found.helpful_contributors, &Some),
            harmful_contributors: owed(&found.harmful_contributors, &Some),
        })
    }
}
