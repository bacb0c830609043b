//! What a training run is told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Convergence, Descent};
use crate::{
    FactoryError,
    base::Adaptation,
    model::{Architecture, MultilayerPerceptron},
};

/// A recipe: the same recipe on the same records gives the same model. As a file it is TOML; what it leaves out is the
/// default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Seed of the initial parameters, of the order of the records and of the gate's bootstrap.
    pub seed: u64,
    /// Share of every contributor's records that a mini-batch training is not given but watched with, from 0 up to a half.
    /// Nobody earns by them, and everybody keeps enough for a row of their own.
    pub validation: f64,
    /// What is trained.
    pub start: Start,
    /// How.
    pub method: Method,
}

/// What training starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// A new model with random parameters.
    Scratch(Architecture),
    /// An ONNX model.
    Base(BaseStart),
}

/// An ONNX model to start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BaseStart {
    /// Its file; weights may lie in files beside it.
    pub file: PathBuf,
    /// What of it is trained.
    #[serde(default)]
    pub adaptation: Adaptation,
}

impl Start {
    /// What of a base is trained, in one word.
    #[must_use]
    pub const fn adaptation(&self) -> Option<&'static str> {
        match self {
            Self::Scratch(_) => None,
            Self::Base(BaseStart { adaptation: Adaptation::Head, .. }) => Some("head"),
            Self::Base(BaseStart { adaptation: Adaptation::Full, .. }) => Some("full"),
            Self::Base(BaseStart { adaptation: Adaptation::Lora(_), .. }) => Some("lora"),
        }
    }

    /// In a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Scratch(Architecture::Perceptron(perceptron)) if perceptron.hidden.is_empty() => "linear".to_owned(),
            Self::Scratch(Architecture::Perceptron(perceptron)) => format!("perceptron {:?}", perceptron.hidden),
            Self::Scratch(Architecture::Convolutional(network)) => format!("convolutional {:?}", network.channels),
            Self::Scratch(Architecture::Encoder(encoder)) => {
                format!("encoder of {} blocks of width {}", encoder.blocks, encoder.width)
            }
            Self::Base(base) => match &base.adaptation {
                Adaptation::Head => "a new head on a base".to_owned(),
                Adaptation::Full => "all weights of a base".to_owned(),
                Adaptation::Lora(lora) => format!("adapters of rank {} on a base", lora.rank),
            },
        }
    }
}

impl Method {
    /// In one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Converge(_) => "converge",
            Self::Descend(descent) => descent.optimiser.name(),
        }
    }
}

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// To the minimum of an objective: what attribution is measured best on.
    Converge(Convergence),
    /// In mini-batches for so many epochs.
    Descend(Descent),
}

impl Default for TrainingRecipe {
    /// Softmax or linear regression to convergence: its objective has one minimum, so that leaving data out has one true
    /// effect and anybody who retrains finds the same model.
    fn default() -> Self {
        Self {
            seed: 1,
            validation: 0.0,
            start: Start::Scratch(Architecture::Perceptron(MultilayerPerceptron::default())),
            method: Method::Converge(Convergence::default()),
        }
    }
}

impl TrainingRecipe {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::RecipeFile`], [`FactoryError::Recipe`].
    pub fn read(path: &Path) -> Result<Self, FactoryError> {
        let text = fs::read_to_string(path).map_err(|source| FactoryError::Io { path: path.to_owned(), source })?;
        let recipe: Self = toml::from_str(&text)
            .map_err(|source| FactoryError::RecipeFile { path: path.to_owned(), source: Box::new(source) })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe for others to read: a base by the name of its file alone, for where it lay is nobody's business.
    #[must_use]
    pub fn published(&self) -> Self {
        let mut published = self.clone();
        if let Start::Base(base) = &mut published.start {
            base.file = base.file.file_name().map(PathBuf::from).unwrap_or_default();
        }
        published
    }

    /// Its file.
    ///
    /// # Errors
    /// [`FactoryError::State`] for a recipe that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, FactoryError> {
        toml::to_string(self).map_err(|_| FactoryError::State("its recipe cannot be written"))
    }

    /// That it can be followed.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        if !(0.0..=0.5).contains(&self.validation) {
            let instead = "give a share from 0 to 0.5";
            let found = self.validation.to_string();
            return Err(FactoryError::Recipe { what: "validation", found, instead });
        }
        if self.validation > 0.0 && matches!(self.method, Method::Converge(_)) {
            let instead =
                "leave it out: training to convergence watches nothing, and nobody earns by records set apart";
            let found = format!("{} with converge", self.validation);
            return Err(FactoryError::Recipe { what: "validation", found, instead });
        }
        match &self.method {
            Method::Converge(convergence) => convergence.check(),
            Method::Descend(descent) => descent.check(),
        }
    }

    /// Damping λ of the curvature: twice what pulls parameters to zero like weight decay over so many records and steps,
    /// which is the curvature that random half-coalitions see. Nothing where nothing pulls.
    #[must_use]
    pub fn damping(&self, records: usize, steps: usize) -> Option<f64> {
        let pull = match &self.method {
            Method::Converge(convergence) => convergence.weight_decay,
            Method::Descend(descent) => descent.pull(records, steps),
        };
        Some(2.0 * pull).filter(|damping| *damping > 0.0)
    }
}
