/// The places of an array in row-major order.
pub(super) fn places(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let count = dims.iter().product::<usize>();
    (0..count).map(move |flat| {
        let mut left = flat;
        let mut place: Vec<usize> = dims
            .iter()
            .rev()
            .map(|dim| {
                let at = left % dim;
                left /= dim;
                at
            })
            .collect();
        place.reverse();
        place
    })
}

/// The number at a place of an array, or at the one place of a dimension of size 1; aligned at the last dimension.
pub(super) fn at<T: Copy>(numbers: &[T], dims: &[usize], place: &[usize]) -> Option<T> {
    let skip = place.len().checked_sub(dims.len())?;
    let mut flat = 0usize;
    for (dim, at) in dims.iter().zip(place.iter().skip(skip)) {
        let at = if *dim == 1 { 0 } else { *at };
        flat = flat.checked_mul(*dim)?.checked_add(at)?;
    }
    numbers.get(flat).copied()
}
