//! What logits say.

use ndarray::{Array1, Array2, ArrayView1};

/// Margins `z_y − logsumexp_{j≠y} z_j` of the given classes, `[n]`.
pub(super) fn margins(logits: &Array2<f64>, classes: &[usize]) -> Array1<f64> {
    let rows = logits.outer_iter().zip(classes);
    rows.map(|(row, class)| row[*class] - log_sum_exp(row, |other| other != *class)).collect()
}

/// Softmax, `[n, classes]`.
pub(super) fn probabilities(logits: &Array2<f64>) -> Array2<f64> {
    let mut probabilities = logits.clone();
    for mut row in probabilities.outer_iter_mut() {
        let total = log_sum_exp(row.view(), |_| true);
        row.mapv_inplace(|z| (z - total).exp());
    }
    probabilities
}

/// The served classes `[n]`: the largest logit, the first of equals.
pub(super) fn served_classes(logits: &Array2<f64>) -> Vec<usize> {
    let first_largest = |row: ArrayView1<'_, f64>| {
        row.iter().enumerate().fold((0, f64::NEG_INFINITY), |best, (j, z)| if *z > best.1 { (j, *z) } else { best }).0
    };
    logits.outer_iter().map(first_largest).collect()
}

fn log_sum_exp(row: ArrayView1<'_, f64>, takes: impl Fn(usize) -> bool) -> f64 {
    let taken = || row.iter().enumerate().filter(|(j, _)| takes(*j)).map(|(_, z)| *z);
    let largest = taken().fold(f64::NEG_INFINITY, f64::max);
    largest + taken().map(|z| (z - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_margin_is_the_log_odds() {
        let logits = array![[1.0, 2.0, -0.5], [900.0, 0.0, 0.0]];
        let p = probabilities(&logits);
        let margins = margins(&logits, &[1, 0]);
        assert!((margins[0] - (p[[0, 1]] / (1.0 - p[[0, 1]])).ln()).abs() < 1e-12);
        assert!((margins[1] - (900.0 - 2f64.ln())).abs() < 1e-9, "it does not saturate");
        assert_eq!(served_classes(&array![[1.0, 3.0, 3.0]]), [1]);
    }
}
