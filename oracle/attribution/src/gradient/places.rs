/// Which places of an axis of `size` elements a slice takes, in its order; `None` if the step is 0.
pub(crate) fn sliced(size: usize, start: i64, end: i64, step: i64) -> Option<Vec<usize>> {
    let size = i64::try_from(size).ok()?;
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (low, high) = match step {
        0 => return None,
        1.. => (0, size),
        _ => (-1, size - 1),
    };
    let (mut at, end) = (from_front(start).clamp(0, high.max(0)), from_front(end).clamp(low, high.max(low)));
    let mut places = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end && at < size) {
        places.push(usize::try_from(at).ok()?);
        at = at.saturating_add(step);
    }
    Some(places)
}
