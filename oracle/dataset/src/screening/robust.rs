//! Middle and spread that a few wild values do not move.

/// Middle and spread of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// The median.
    pub(super) middle: f64,
    /// The median absolute deviation over 0.6745, which is the standard deviation of normal numbers; where more than half
    /// are equal, 1.2533 times the mean absolute deviation. 0 if all are equal.
    pub(super) scale: f64,
    /// Whether more than half are equal.
    pub(super) mostly_equal: bool,
}

impl Spread {
    /// Of finite numbers. Of none, it is nothing.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        let middle = median(&mut values);
        values.iter_mut().for_each(|value| *value = (*value - middle).abs());
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let deviation = median(&mut values);
        let mostly_equal = deviation == 0.0;
        let scale = if mostly_equal { mean * 1.2533 } else { deviation / 0.6745 };
        Self { middle, scale: if scale.is_finite() { scale } else { 0.0 }, mostly_equal }
    }

    /// The modified z-score (Iglewicz & Hoaglin, How to Detect and Handle Outliers, 1993). 0 where there is no spread.
    pub(super) fn score(&self, value: f64) -> f64 {
        let score = (value - self.middle) / self.scale;
        if score.is_finite() { score } else { 0.0 }
    }
}

/// The upper median; reorders.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Rounded to thousandths: reports do not hang on the last bits.
pub(super) fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_value_moves_neither_middle_nor_spread() {
        let calm: Vec<f64> = (0..100).map(f64::from).collect();
        let mut wild = calm.clone();
        wild[99] = 1e12;
        let (calm, wild) = (Spread::of(calm), Spread::of(wild));
        assert_eq!(calm, wild);
        assert!(wild.score(1e12) > 1e9);
        assert!((wild.score(60.0) - 0.6745 * 10.0 / 25.0).abs() < 0.01);
    }

    #[test]
    fn equal_numbers_have_no_outliers() {
        assert_eq!(Spread::of(vec![3.0; 9]).score(3.0), 0.0);
        assert_eq!(Spread::of(Vec::new()).score(1.0), 0.0);
        let mostly = Spread::of([vec![0.0; 99], vec![7.0]].concat());
        assert!(mostly.mostly_equal && mostly.score(7.0) > 50.0);
    }
}
