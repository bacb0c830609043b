//! An epoch's receipts shared out among threads, whose number changes nothing in the result.

use std::{num::NonZero, ops::Range, thread};

use tributary_sdk::table::ContributorTable;

use crate::{
    SettlementError, SubPool, SubPoolSettlement, Usage,
    settlement::{add, divide_subpool},
    total::Total,
    weigh::{Rule, Scores, block},
};

/// A sub-pool is cut only where both parts keep this many receipts: a cut costs every contributor's total once more.
const LEAST_CUT: usize = 64;

/// A run of one sub-pool's receipts that one thread takes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    subpool: usize,
    receipts: Range<usize>,
}

/// What a thread made of a span.
enum Part {
    /// The span was the whole sub-pool.
    Settled(SubPoolSettlement),
    /// Totals `[contributors]` over some of its receipts.
    Totals(Vec<Total>),
}

/// What a thread hands over.
struct Parts {
    /// By sub-pool, in order.
    parts: Vec<(usize, Result<Part, SettlementError>)>,
    /// Base units of all sub-pools it settled, `[contributors]`.
    paid: Vec<u128>,
}

/// Settles every sub-pool by the rule: how each was divided, in the order given, and base units over all, `[contributors]`.
/// All sketches fit the table.
///
/// Totals are sums of integers, so it makes no difference who added which of them; where several sub-pools fail, the
/// first one's error is returned.
pub(crate) fn settle<R: Rule>(
    table: &ContributorTable,
    subpools: &[SubPool<'_>],
    threads: NonZero<usize>,
) -> Result<(Vec<SubPoolSettlement>, Vec<u128>), SettlementError> {
    let receipts: Vec<usize> = subpools.iter().map(|subpool| subpool.receipts.len()).collect();
    let shared_out = share_out(&receipts, threads);
    let all: Vec<Parts> = match shared_out.as_slice() {
        [spans] => vec![settle_spans::<R>(table, subpools, spans)],
        all => thread::scope(|scope| {
            let spawn = |spans| scope.spawn(move || settle_spans::<R>(table, subpools, spans));
            let threads: Vec<_> = all.iter().map(|spans: &Vec<Span>| spawn(spans)).collect();
            let join = threads.into_iter().map(|thread| thread.join().map_err(|_| SettlementError::Thread));
            join.collect::<Result<_, _>>()
        })?,
    };
    join(table, subpools, all)
}

/// Puts the threads' parts together: cut sub-pools' totals are added up and divided.
fn join(
    table: &ContributorTable,
    subpools: &[SubPool<'_>],
    all: Vec<Parts>,
) -> Result<(Vec<SubPoolSettlement>, Vec<u128>), SettlementError> {
    let mut settled = Vec::with_capacity(subpools.len());
    let mut paid = vec![0; table.rows().len()];
    let mut cut: Option<(usize, Vec<Total>)> = None;
    for thread in all {
        add(&mut paid, &thread.paid)?;
        for (index, part) in thread.parts {
            if let Some((open, totals)) = cut.take_if(|(open, _)| *open != index) {
                settled.push(divide(table, subpools, open, &totals, &mut paid)?);
            }
            match (part?, &mut cut) {
                (Part::Settled(part), _) => settled.push(part),
                (Part::Totals(totals), None) => cut = Some((index, totals)),
                (Part::Totals(totals), Some((_, sums))) => {
                    sums.iter_mut().zip(&totals).try_for_each(|(sum, total)| sum.merge(total))?;
                }
            }
        }
    }
    if let Some((open, totals)) = cut {
        settled.push(divide(table, subpools, open, &totals, &mut paid)?);
    }
    Ok((settled, paid))
}

fn divide(
    table: &ContributorTable,
    subpools: &[SubPool<'_>],
    index: usize,
    totals: &[Total],
    paid: &mut [u128],
) -> Result<SubPoolSettlement, SettlementError> {
    // Spans are made of the sub-pools themselves.
    let subpool = subpools.get(index).ok_or(SettlementError::Thread)?;
    divide_subpool(table, subpool, totals, paid)
}

/// One thread's work: its receipts block by block, whichever sub-pools they are of.
fn settle_spans<R: Rule>(table: &ContributorTable, subpools: &[SubPool<'_>], spans: &[Span]) -> Parts {
    let parts = Parts { parts: Vec::with_capacity(spans.len()), paid: vec![0; table.rows().len()] };
    let mut hand = Hand { table, subpools, totals: fresh(table), parts };
    let mut scores = Scores::default();
    let mut receipts = Vec::with_capacity(block(table));
    let mut runs: Vec<Run<'_>> = Vec::new();
    for span in spans {
        let mut left = subpools.get(span.subpool).and_then(|subpool| subpool.receipts.get(span.receipts.clone()));
        while let Some(usages) = left {
            let room = block(table).saturating_sub(receipts.len());
            let (now, later) = usages.split_at_checked(room).unwrap_or((usages, &[]));
            let ends = later.is_empty();
            runs.push(Run { span, first: receipts.len(), count: now.len(), ends });
            receipts.extend_from_slice(now);
            if receipts.len() >= block(table) {
                hand.add::<R>(&mut scores, &receipts, &runs);
                receipts.clear();
                runs.clear();
            }
            left = (!ends).then_some(later);
        }
    }
    hand.add::<R>(&mut scores, &receipts, &runs);
    hand.parts
}

/// Consecutive receipts of one span within a block.
struct Run<'s> {
    span: &'s Span,
    first: usize,
    count: usize,
    /// Whether they are the span's last.
    ends: bool,
}

/// What a thread holds between blocks.
struct Hand<'t> {
    table: &'t ContributorTable,
    subpools: &'t [SubPool<'t>],
    /// Of the span that is open, or what failed in it.
    totals: Result<Vec<Total>, SettlementError>,
    parts: Parts,
}

impl Hand<'_> {
    fn add<R: Rule>(&mut self, scores: &mut Scores, receipts: &[Usage<'_>], runs: &[Run<'_>]) {
        let scored = scores.fill::<R>(self.table, receipts);
        for run in runs {
            let added = scored.clone().and_then(|()| match &mut self.totals {
                Ok(totals) => scores.add_to(totals, run.first, run.count),
                Err(_) => Ok(()),
            });
            if let (Err(error), Ok(_)) = (added, &self.totals) {
                self.totals = Err(error);
            }
            if run.ends {
                self.close(run.span);
            }
        }
    }

    fn close(&mut self, span: &Span) {
        let whole =
            self.subpools.get(span.subpool).is_some_and(|subpool| subpool.receipts.len() == span.receipts.len());
        let part = match &mut self.totals {
            Ok(totals) if whole => {
                let settled = divide(self.table, self.subpools, span.subpool, totals, &mut self.parts.paid);
                totals.fill(Total::default());
                settled.map(Part::Settled)
            }
            totals => std::mem::replace(totals, fresh(self.table)).map(Part::Totals),
        };
        self.parts.parts.push((span.subpool, part));
    }
}

fn fresh(table: &ContributorTable) -> Result<Vec<Total>, SettlementError> {
    Ok(vec![Total::default(); table.rows().len()])
}

/// Runs of receipts for at most so many threads, in order, together all sub-pools; `receipts` counts each one's.
///
/// A sub-pool costs its receipts and its division, which is taken for one more.
fn share_out(receipts: &[usize], threads: NonZero<usize>) -> Vec<Vec<Span>> {
    let costs = receipts.iter().fold(receipts.len(), |sum, count| sum.saturating_add(*count));
    let fair = costs.div_ceil(threads.get()).max(LEAST_CUT);
    let mut all = Vec::new();
    let (mut spans, mut room) = (Vec::new(), fair);
    for (subpool, count) in receipts.iter().copied().enumerate() {
        let mut start = 0_usize;
        loop {
            if room == 0 {
                all.push(std::mem::take(&mut spans));
                room = fair;
            }
            let left = count.saturating_sub(start);
            let cut = room >= LEAST_CUT && left >= room.saturating_add(LEAST_CUT);
            let taken = if cut { room } else { left };
            let end = start.saturating_add(taken);
            spans.push(Span { subpool, receipts: start..end });
            room = room.saturating_sub(if cut { taken } else { taken.saturating_add(1) });
            start = end;
            if !cut {
                break;
            }
        }
    }
    all.push(spans);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_large_license_is_cut_and_small_ones_are_not() {
        let two = NonZero::<usize>::MIN.saturating_add(1);
        let span = |subpool, receipts| Span { subpool, receipts };
        assert_eq!(share_out(&[999], two), [[span(0, 0..500)], [span(0, 500..999)]]);
        assert_eq!(share_out(&[99], two), [[span(0, 0..99)]]);
        assert_eq!(share_out(&[], two), [Vec::<Span>::new()]);
        let many = share_out(&[1; 1000], two);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500]);
    }

    proptest! {
        #[test]
        fn every_receipt_is_taken_once_and_in_order(
            receipts in prop::collection::vec(prop_oneof![0..3_usize, 0..1000_usize], 0..20),
            threads in 1..9_usize,
        ) {
            let all = share_out(&receipts, NonZero::<usize>::MIN.saturating_add(threads - 1));
            prop_assert!(all.len() <= threads);
            let mut next = (0, 0);
            for span in all.iter().flatten() {
                if span.subpool != next.0 {
                    prop_assert_eq!(receipts[next.0], next.1);
                    next = (next.0 + 1, 0);
                }
                prop_assert_eq!((span.subpool, span.receipts.start), next);
                next.1 = span.receipts.end;
            }
            prop_assert!(receipts.is_empty() || next == (receipts.len() - 1, receipts[receipts.len() - 1]));
        }
    }
}
