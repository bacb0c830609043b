//! The model card: what a release is for, what it was made of, how good it is and for whom, and what nobody measured
//! (Mitchell et al., *Model cards for model reporting*, 2019).
//!
//! | module | what it holds |
//! |---|---|
//! | [`subject`] | what only the caller knows: purpose, terms, data, training |
//! | [`findings`] | what was measured |
//! | `limits` | what was not, and what the numbers do not bear |
//! | `json` | the card for programs: numbers of six digits, so that a card has one spelling |
//! | `markdown`, `table` | the card for people |
//!
//! A card is a folder of [`CARD_FILE`], [`MARKDOWN_FILE`] and the pictures that it shows. It is made of the run alone: the
//! same run gives the same bytes.

pub mod findings;
mod json;
mod limits;
mod markdown;
pub mod subject;
mod table;

pub use findings::{AttributionFindings, Findings};
pub use subject::{Data, Fact, Subject, Use};
pub use table::{escaped, estimate};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_dataset::durable;
use tributary_sdk::release::{Manifest, ManifestError};

use crate::{
    FactoryError,
    evaluate::{Evaluation, FrontierPoint},
    pictures,
};

/// The card for programs.
pub const CARD_FILE: &str = "card.json";
/// The card for people.
pub const MARKDOWN_FILE: &str = "card.md";
/// Which classes are taken for which, as a picture.
pub const CONFUSION_FILE: &str = "confusion.svg";
/// Whether a classifier is as often right as it says, as a picture.
pub const RELIABILITY_FILE: &str = "reliability.svg";
/// How far off a regression is, as a picture.
pub const RESIDUALS_FILE: &str = "residuals.svg";
/// What accuracy costs attributability, as a picture.
pub const FRONTIER_FILE: &str = "frontier.svg";

/// A model card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelCard {
    /// [`Manifest::FORMAT`].
    pub format: String,
    /// What the card is about.
    pub subject: Subject,
    /// What was measured.
    pub findings: Findings,
    /// What was not, and what the numbers do not bear: sentences.
    pub limits: Vec<String>,
}

impl Manifest for ModelCard {
    const FORMAT: &'static str = "tributary-card/1";

    fn format(&self) -> &str {
        &self.format
    }

    /// Indented JSON with a closing newline, real numbers rounded to six significant digits.
    fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        json::to_bytes(self).map_err(ManifestError::Syntax)
    }
}

impl ModelCard {
    /// Puts a card together. `limits` are what the caller knows of, such as simulated contributors; those that the findings
    /// show are added.
    pub fn new(subject: Subject, findings: Findings, mut limits: Vec<String>) -> Self {
        limits.extend(limits::of(&subject, &findings));
        Self { format: Self::FORMAT.to_owned(), subject, findings, limits }
    }

    /// The card for programs: what [`Manifest::to_bytes`] gives, as text. [`Manifest::from_bytes`] reads it.
    ///
    /// # Errors
    /// [`FactoryError::Manifest`].
    pub fn json(&self) -> Result<String, FactoryError> {
        Ok(String::from_utf8_lossy(&self.to_bytes()?).into_owned())
    }

    /// The card for people. It shows the pictures that lie beside it.
    pub fn markdown(&self) -> String {
        markdown::of(self)
    }

    /// The pictures, by file name.
    pub fn pictures(&self) -> Vec<(&'static str, String)> {
        let mut all = match &self.findings.evaluation {
            Evaluation::Classification(found) => vec![
                (CONFUSION_FILE, pictures::confusion(&found.confusion, &self.subject.classes)),
                (RELIABILITY_FILE, pictures::reliability(&found.calibration)),
            ],
            Evaluation::Regression(found) => vec![(RESIDUALS_FILE, pictures::residuals(found))],
        };
        if let Some(first) = self.findings.frontier.first() {
            let place = |point: &FrontierPoint| {
                let lds = point.contributor_lds;
                let upwards = [lds.low, lds.value, lds.high];
                pictures::Place { decay: point.weight_decay, across: point.found.value, upwards }
            };
            let places = self.findings.frontier.iter().map(place).collect();
            all.push((FRONTIER_FILE, pictures::frontier(first.metric.name(), places)));
        }
        all
    }

    /// Writes the folder, durably, the card for programs last: a folder with one is whole.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::Manifest`].
    pub fn write(&self, folder: &Path) -> Result<CardFiles, FactoryError> {
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            match durable::write(&path, bytes) {
                Ok(()) => Ok(path),
                Err(source) => Err(FactoryError::Io { path, source }),
            }
        };
        let json = self.json()?;
        let pictures = self.pictures().into_iter().map(|(name, picture)| write(name, picture.as_bytes()));
        let pictures = pictures.collect::<Result<_, _>>()?;
        let markdown = write(MARKDOWN_FILE, self.markdown().as_bytes())?;
        Ok(CardFiles { card: write(CARD_FILE, json.as_bytes())?, markdown, pictures })
    }
}

/// A card on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFiles {
    /// [`CARD_FILE`].
    pub card: PathBuf,
    /// [`MARKDOWN_FILE`].
    pub markdown: PathBuf,
    /// The pictures it shows.
    pub pictures: Vec<PathBuf>,
}

#[cfg(test)]
mod tests;
