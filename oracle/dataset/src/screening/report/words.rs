//! Reasons in words.

use std::fmt::{Display, Formatter, Result};

use super::super::verdict::{Likeness, Measured, Reason};

impl Display for Likeness {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Equal => f.write_str("equal"),
            Self::Distance { distance } => write!(f, "{distance} apart"),
            Self::Similarity { similarity } => write!(f, "{similarity} alike, of 1"),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::HeldOut { likeness } => {
                write!(f, "it is a copy of a held-out record ({likeness}); nobody trains on those")
            }
            Self::CopyOf { cluster, kept, likeness } => write!(
                f,
                "it is a copy: of cluster {cluster} ({likeness} to its first record) record {} of contribution {} is kept",
                kept.place, kept.contribution
            ),
            Self::TooFew { least } => {
                write!(
                    f,
                    "fewer than {least} records of its contributor were accepted, and nobody is there to share a row with"
                )
            }
            Self::KeptByTurn { cluster, contributors } => {
                write!(f, "{contributors} contributors gave cluster {cluster} in one batch, and it was this one's turn")
            }
            Self::Coincident { rows, same_label, contributors } => write!(
                f,
                "{rows} rows by {contributors} contributors have these features, {same_label} of them with this label"
            ),
            Self::TooManyComparisons { most } => {
                write!(f, "so many records are near it that looking for copies was stopped at a cost of {most}")
            }
            Self::Outlier { measured, score, threshold } => match measured {
                Measured::Distance => write!(
                    f,
                    "it is far from the middle of its class: modified z-score {score}, {threshold} is allowed"
                ),
                Measured::Length => {
                    write!(f, "its length is unusual: modified z-score {score}, {threshold} is allowed")
                }
                Measured::UnusualCharacters => {
                    write!(f, "of its characters a share of {score} is unusual, {threshold} is allowed")
                }
            },
            Self::LabelDoubt { given, given_probability, suggested, suggested_probability } => write!(
                f,
                "the other records suggest `{suggested}` (probability {suggested_probability}), not `{given}` \
                 ({given_probability})"
            ),
            Self::FarFromPredicted { score, threshold } => write!(
                f,
                "its number is far from what the other records suggest: modified z-score {score}, {threshold} is allowed"
            ),
            Self::PersonalData { found } => {
                f.write_str("its text looks as if it had personal data:")?;
                found.iter().enumerate().try_for_each(|(at, data)| {
                    write!(f, "{} {} × {}", if at == 0 { "" } else { "," }, data.count, data.kind.name())
                })
            }
            Self::Corrects { receipt } => write!(f, "it corrects the answer of receipt {receipt}"),
            Self::Reviewed { decision, accept, reject } => {
                write!(f, "validators decided: {decision}; {accept} would accept it, {reject} would reject it")
            }
            Self::Ruled { decision, was, by, reason } => {
                write!(f, "steward {by} ruled: {decision} (it was {was}), because: {reason}")
            }
        }
    }
}
