//! Answers by hand.

use super::answers::ClassAnswer;

/// Of right and served classes.
pub(crate) fn answered(pairs: &[(usize, usize)]) -> Vec<ClassAnswer> {
    let of = |&(label, served)| ClassAnswer { label, served, confidence: 1.0, loss: 0.0, brier: 0.0, score: 0.0 };
    pairs.iter().map(of).collect()
}

/// Of right classes and scores.
pub(crate) fn scored(pairs: &[(usize, f64)]) -> Vec<ClassAnswer> {
    pairs.iter().map(|&(label, score)| ClassAnswer { score, ..answered(&[(label, 0)])[0] }).collect()
}

/// Of confidences and whether they were right.
pub(crate) fn sure(pairs: &[(f64, bool)]) -> Vec<ClassAnswer> {
    let of =
        |&(confidence, right): &(f64, bool)| ClassAnswer { confidence, ..answered(&[(0, usize::from(!right))])[0] };
    pairs.iter().map(of).collect()
}
