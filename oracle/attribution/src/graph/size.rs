use std::{cmp::Ordering, fmt};

/// An integer in terms of the batch: `fixed + batch · (records in the batch)`. Exporters compute `Reshape`'s targets from
/// `Shape` with such numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Size {
    /// What does not depend on the batch.
    pub fixed: i64,
    /// How often the batch counts.
    pub batch: i64,
}

impl Size {
    /// A number that does not depend on the batch.
    pub const fn fixed(fixed: i64) -> Self {
        Self { fixed, batch: 0 }
    }

    /// The number, if it does not depend on the batch.
    pub fn to_fixed(self) -> Option<i64> {
        (self.batch == 0).then_some(self.fixed)
    }

    /// The sum, unless it overflows.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self { fixed: self.fixed.checked_add(other.fixed)?, batch: self.batch.checked_add(other.batch)? })
    }

    /// The difference, unless it overflows.
    pub fn minus(self, other: Self) -> Option<Self> {
        Some(Self { fixed: self.fixed.checked_sub(other.fixed)?, batch: self.batch.checked_sub(other.batch)? })
    }

    /// The product, where it is still linear in the batch.
    pub fn times(self, other: Self) -> Option<Self> {
        let (factor, size) = match (self.to_fixed(), other.to_fixed()) {
            (Some(factor), _) => (factor, other),
            (_, Some(factor)) => (factor, self),
            _ => return None,
        };
        Some(Self { fixed: size.fixed.checked_mul(factor)?, batch: size.batch.checked_mul(factor)? })
    }

    /// The quotient rounded to zero, where it is linear in the batch.
    pub fn over(self, other: Self) -> Option<Self> {
        if other.fixed == 0 && other.batch != 0 {
            let times = self.batch.checked_div(other.batch)?;
            return (self.fixed == 0 && self.batch.checked_rem(other.batch)? == 0).then_some(Self::fixed(times));
        }
        let divisor = other.to_fixed()?;
        let even = self.batch == 0 || (self.fixed.checked_rem(divisor)? == 0 && self.batch.checked_rem(divisor)? == 0);
        let quotient = Self { fixed: self.fixed.checked_div(divisor)?, batch: self.batch.checked_div(divisor)? };
        even.then_some(quotient)
    }

    /// Which is larger, where that holds for every batch of at least one record.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let gap = self.minus(other)?;
        let of_one = gap.fixed.checked_add(gap.batch)?;
        match gap.batch.cmp(&0) {
            Ordering::Equal => Some(gap.fixed.cmp(&0)),
            Ordering::Greater => (of_one > 0).then_some(Ordering::Greater),
            Ordering::Less => (of_one < 0).then_some(Ordering::Less),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.fixed, self.batch) {
            (fixed, 0) => write!(f, "{fixed}"),
            (0, batch) => write!(f, "{batch}·batch"),
            (fixed, batch) => write!(f, "{fixed} + {batch}·batch"),
        }
    }
}
