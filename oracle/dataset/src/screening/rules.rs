//! What contributors agree to be screened by.

use serde::{Deserialize, Serialize};

use super::personal::PersonalKind;
use crate::DatasetError;

/// What contributors agree to be screened by. A steward writes it as TOML; what is left out is as [`Default`] says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScreeningRules {
    /// Images at most this far apart are copies: Euclidean distance on the scale of their values. None: only equal records
    /// are. 0: images with equal values are, whatever their labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// Text and tokens whose shingles are at least this alike are copies (Jaccard similarity, 0 to 1). 0: only equal records
    /// are.
    pub similarity: f64,
    /// How much looking for copies of one record may cost: a candidate costs 1, and 1 more for every further 64 values
    /// read. A
    /// record that costs more is held. What it bounds is the work that somebody can cause by crowding records together.
    pub comparisons: u32,
    /// Records whose modified z-score (Iglewicz & Hoaglin 1993) is above this are outliers. 0: none are.
    pub outlier: f64,
    /// Texts with a larger share of unusual characters (0 to 1) are outliers. 1: none are.
    pub unusual: f64,
    /// Parts for out-of-fold predictions of labels. 0: no label is doubted.
    pub folds: u32,
    /// A class is doubted only if another's score is higher by this (0 to 1): scores of a regression on classes as 0 and 1.
    pub margin: f64,
    /// Which personal data to look for in text.
    pub personal: Vec<PersonalKind>,
    /// Classes with fewer records than this share of the largest class's are warned of (0 to 1).
    pub balance: f64,
}

impl Default for ScreeningRules {
    fn default() -> Self {
        Self {
            radius: None,
            similarity: 0.8,
            comparisons: 8_192,
            outlier: 6.0,
            unusual: 0.3,
            folds: 5,
            margin: 0.3,
            personal: PersonalKind::ALL.to_vec(),
            balance: 0.2,
        }
    }
}

impl ScreeningRules {
    /// The rules, if they make sense.
    ///
    /// # Errors
    /// [`DatasetError::Rules`] names what does not.
    pub fn checked(self) -> Result<Self, DatasetError> {
        let shares = [
            ("similarity", self.similarity),
            ("unusual", self.unusual),
            ("margin", self.margin),
            ("balance", self.balance),
        ];
        let wrong = |text: String| Err(DatasetError::Rules(text));
        if let Some((name, value)) = shares.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return wrong(format!("`{name}` is {value}, it goes from 0 to 1"));
        }
        if let Some(radius) = self.radius.filter(|radius| !(0.0..1e9).contains(radius)) {
            return wrong(format!("`radius` is {radius}, it is a finite number from 0"));
        }
        if !(0.0..1e9).contains(&self.outlier) {
            return wrong(format!("`outlier` is {}, it is a finite number from 0", self.outlier));
        }
        if self.folds == 1 || self.folds > 100 {
            return wrong(format!("`folds` is {}, it is 2 to 100, or 0 for none", self.folds));
        }
        if self.comparisons == 0 {
            return wrong("`comparisons` is 0, it is 1 or more".to_owned());
        }
        Ok(self)
    }
}
