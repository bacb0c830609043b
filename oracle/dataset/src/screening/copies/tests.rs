use proptest::prelude::*;
use tributary_sdk::Address;

use super::super::{
    Decision, Desk, Offered, Reason, Screening, ScreeningRules, chance, screen,
    tests::{accepted, image, images, offer, texts, words},
};
use super::*;
use crate::Schema;

fn near(radius: f64) -> ScreeningRules {
    ScreeningRules { radius: Some(radius), outlier: 0.0, folds: 0, ..ScreeningRules::default() }
}

fn alike(similarity: f64) -> ScreeningRules {
    ScreeningRules { similarity, outlier: 0.0, folds: 0, ..ScreeningRules::default() }
}

/// Every cluster keeps one record, and all others are rejected as its copies.
fn conserves(screening: &Screening) {
    for cluster in &screening.clusters {
        let copies = cluster.members.iter().filter(|member| {
            let reasons = &screening.verdicts[**member].reasons;
            reasons.iter().any(|reason| matches!(reason, Reason::CopyOf { cluster: of, .. } if *of == cluster.id))
        });
        assert_eq!(copies.count(), cluster.members.len() - 1);
        assert_ne!(screening.verdicts[cluster.kept].decision, Decision::Reject);
    }
    let copies = screening.verdicts.iter().flat_map(|verdict| &verdict.reasons);
    let copies = copies.filter(|reason| matches!(reason, Reason::CopyOf { .. })).count();
    assert_eq!(copies, screening.clusters.iter().map(|cluster| cluster.members.len() - 1).sum::<usize>());
}

#[test]
fn the_earliest_batch_keeps_a_record_wherever_it_stands_in_the_list() {
    let schema = images(2, 16);
    let records = [image(&schema, &[1, 1], 0), image(&schema, &[1, 2], 1), image(&schema, &[9, 9], 0)];
    let offered = [offer(1, 7, 0, &records[0]), offer(2, 3, 0, &records[1]), offer(3, 9, 0, &records[2])];
    let screening = screen(&schema, &near(1.0), &[], &offered);
    assert_eq!(accepted(&screening), [false, true, true]);
    let Reason::CopyOf { cluster: 0, kept, likeness } = &screening.verdicts[0].reasons[0] else { panic!() };
    assert_eq!((*kept, *likeness), (offered[1].place(), Likeness::Distance { distance: 1.0 }));
    assert_eq!(screening.clusters[0].labels, 2);
}

#[test]
fn without_a_radius_only_equal_records_are_copies() {
    let schema = images(2, 16);
    let rules = ScreeningRules { radius: None, ..near(0.0) };
    let records = [image(&schema, &[1, 1], 0), image(&schema, &[1, 1], 1), image(&schema, &[1, 1], 0)];
    let offered: Vec<Offered<'_>> = (0..3).map(|at| offer(at as u8, at, 0, &records[at as usize])).collect();
    assert_eq!(accepted(&screen(&schema, &rules, &[], &offered)), [true, true, false]);
    assert_eq!(accepted(&screen(&schema, &near(0.0), &[], &offered)), [true, false, false]);
    assert_eq!(accepted(&screen(&schema, &rules, &records[..1], &offered)), [false, true, false]);
}

#[test]
fn nobody_trains_on_what_is_held_out_or_near_it() {
    let schema = images(2, 16);
    let held_out = [image(&schema, &[5, 5], 0)];
    let records = [image(&schema, &[5, 5], 1), image(&schema, &[5, 6], 0), image(&schema, &[5, 7], 0)];
    let offered: Vec<Offered<'_>> = (0..3).map(|at| offer(1, 0, at, &records[at as usize])).collect();
    let screening = screen(&schema, &near(1.0), &held_out, &offered);
    assert_eq!(accepted(&screening), [false, false, true]);
    let likeness = Likeness::Distance { distance: 1.0 };
    assert_eq!(screening.verdicts[0].reasons, [Reason::HeldOut { likeness: Likeness::Equal }]);
    assert_eq!(screening.verdicts[1].reasons, [Reason::HeldOut { likeness }]);
    assert!(screening.clusters.is_empty());
}

#[test]
fn contributors_of_the_same_records_keep_as_many_each_and_own_copies_count_once() {
    let schema = images(2, 255);
    let records: Vec<Record> = (0..100).map(|at| image(&schema, &[at, at / 2], at % 2)).collect();
    for givers in 2..6u8 {
        let mut offered = Vec::new();
        for giver in 0..givers {
            // The last gives everything three times.
            for round in 0..if giver + 1 == givers { 3 } else { 1 } {
                offered.extend((0..100).map(|at| offer(giver, 4, round * 100 + at, &records[at as usize])));
            }
        }
        let screening = screen(&schema, &near(0.0), &[], &offered);
        conserves(&screening);
        let report = screening.report();
        let kept: Vec<u64> = report.contributors.values().map(|totals| totals.accepted).collect();
        assert_eq!(kept.iter().sum::<u64>(), 100);
        assert!(kept.iter().max().unwrap() - kept.iter().min().unwrap() <= 1, "{kept:?}");
        assert_eq!(report.totals.kept_by_turn, 100);
    }
}

#[test]
fn copying_each_record_under_a_fresh_account_gains_no_more_than_half() {
    let schema = images(2, 255);
    let records: Vec<Record> = (0..100).map(|at| image(&schema, &[at, at / 2], 0)).collect();
    let honest = (0..100).map(|at| offer(255, 0, at, &records[at as usize]));
    let fresh = (0..100).map(|at| offer(at as u8, 0, 0, &records[at as usize]));
    let offered: Vec<Offered<'_>> = honest.chain(fresh).collect();
    let screening = screen(&schema, &near(0.0), &[], &offered);
    let kept = screening.report().contributors[&Address::repeat_byte(255)].accepted;
    assert!((49..=51).contains(&kept), "{kept}");
}

#[test]
fn crowded_records_are_held_after_the_comparisons_that_rules_allow() {
    let schema = images(16, 255);
    let rules = ScreeningRules { comparisons: 20, ..near(2.0) };
    // More than the radius apart, but all alike in nearly all values.
    let records: Vec<Record> = (0..600)
        .map(|at| {
            let mut values = [100u8; 16];
            values[at % 16] += 3 * (1 + at / 256) as u8;
            values[at / 16 % 16] += 9 * (1 + at / 256) as u8;
            image(&schema, &values, 0)
        })
        .collect();
    let offered: Vec<Offered<'_>> = (0..600).map(|at| offer(1, 0, at, &records[at as usize])).collect();
    let screening = screen(&schema, &rules, &[], &offered);
    conserves(&screening);
    let held: Vec<&Verdict> = screening.verdicts.iter().filter(|verdict| verdict.decision == Decision::Hold).collect();
    assert!(held.len() > 100, "{}", held.len());
    assert!(held.iter().all(|verdict| verdict.reasons == [Reason::TooManyComparisons { most: 20 }]));
    // Equal ones are found all the same.
    let twice: Vec<Offered<'_>> =
        offered.iter().copied().chain(offered.iter().map(|one| Offered { batch: 1, ..*one })).collect();
    let screening = screen(&schema, &rules, &[], &twice);
    conserves(&screening);
    assert!(screening.verdicts[600..].iter().all(|verdict| verdict.decision == Decision::Reject));
}

#[test]
fn edited_texts_are_copies_and_other_texts_are_not() {
    let schema = texts();
    let mut kept = Vec::new();
    let mut edited = Vec::new();
    for at in 0..400u64 {
        let original = words(at, 120);
        // One word of 120 changed: at most 5 of 116 shingles, 111 of 121 alike.
        let mut other: Vec<String> = original.split(' ').map(str::to_uppercase).collect();
        other[(at % 120) as usize] = "changed".to_owned();
        kept.push(schema.record(&[crate::field::Field::Text(&original)]).unwrap());
        edited.push(schema.record(&[crate::field::Field::Text(&other.join("  "))]).unwrap());
    }
    let originals = (0..400).map(|at| offer(1, 0, at, &kept[at as usize]));
    let copies = (0..400).map(|at| offer(2, 1, at, &edited[at as usize]));
    let screening = screen(&schema, &alike(0.8), &[], &originals.chain(copies).collect::<Vec<_>>());
    conserves(&screening);
    let report = screening.report();
    assert_eq!(report.contributors[&Address::repeat_byte(1)].accepted, 400);
    assert!(report.contributors[&Address::repeat_byte(2)].rejected >= 398);
    assert!(screening.clusters.iter().all(|cluster| cluster.members.len() == 2));
}

#[test]
fn tokens_are_alike_by_their_runs() {
    let schema = Schema {
        task: crate::schema::Task::Continuation,
        features: Features::Tokens { vocabulary: 1000, longest: 100 },
        label: crate::schema::Label::None,
    };
    let record = |tokens: &[i64]| schema.record(&[crate::field::Field::Tokens(tokens)]).unwrap();
    let long: Vec<i64> = (0..90).map(|at| (at * at * 7) % 997).collect();
    let mut edited = long.clone();
    edited[0] = 999;
    let records = [record(&long), record(&edited), record(&[1, 2]), record(&[2, 1]), record(&long[..45])];
    let offered: Vec<Offered<'_>> = (0..5).map(|at| offer(1, u64::from(at), at, &records[at as usize])).collect();
    let screening = screen(&schema, &alike(0.8), &[], &offered);
    assert_eq!(accepted(&screening), [true, false, true, true, true]);
    assert_eq!(accepted(&screen(&schema, &alike(0.0), &[], &offered)), [true; 5]);
}

/// The earliest record before each that begins a group and is near, by comparing all.
fn by_comparing_all(desk: &Desk<'_, '_>, held_out: &[Record], squared: u64) -> Vec<Option<usize>> {
    let distance = |a: &Record, b: &Record| {
        let (a, b) = (desk.schema.feature_bytes(a), desk.schema.feature_bytes(b));
        a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>()
    };
    let mut begun: Vec<(Option<usize>, &Record)> = held_out.iter().map(|record| (None, record)).collect();
    desk.order
        .iter()
        .map(|place| {
            let record = desk.record(*place);
            match begun.iter().find(|(_, kept)| distance(kept, record) <= squared) {
                Some((by, _)) => *by,
                None => {
                    begun.push((Some(*place), record));
                    Some(*place)
                }
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn exactly_what_is_within_the_radius_is_found(
        size in 1usize..40, largest in prop::sample::select(vec![1u8, 4, 16, 255]), radius in 0.0f64..1.0, count in 1usize..60,
        spread in 1u64..8, held in 0usize..4, seed: u64,
    ) {
        let schema = images(size as u32, largest);
        // From nothing to about the distance of two random images.
        let radius = radius * radius * f64::from(largest) * (size as f64 / 3.0).sqrt();
        let rules = ScreeningRules { comparisons: u32::MAX, ..near(radius) };
        let mut stream = chance::Stream::new(seed, 0);
        let mut centre = vec![0u8; size];
        let records: Vec<Record> = (0..count as u64)
            .map(|at| {
                if at % spread == 0 {
                    centre.fill_with(|| (stream.next() % (u64::from(largest) + 1)) as u8);
                }
                let noise = |value: &u8| (u64::from(*value) + stream.next() % 3).min(u64::from(largest)) as u8;
                image(&schema, &centre.iter().map(noise).collect::<Vec<u8>>(), 0)
            })
            .collect();
        let (held_out, given) = records.split_at(held.min(count));
        let offered: Vec<Offered<'_>> =
            given.iter().enumerate().map(|(at, record)| offer(at as u8, at as u64 / 7, at as u32, record)).collect();
        let desk = Desk::new(&schema, &rules, &offered);
        let expected = by_comparing_all(&desk, held_out, (radius * radius) as u64);
        let groups = gather_by_rule(&desk, held_out);
        let mut begun: Vec<usize> = Vec::new();
        for ((place, group), expected) in desk.order.iter().zip(&groups.of).zip(expected) {
            let found = match group {
                Group::HeldOut(_) => None,
                Group::Of { group, .. } => {
                    if *group as usize == begun.len() {
                        begun.push(*place);
                    }
                    Some(begun[*group as usize])
                }
            };
            prop_assert_eq!(found, expected);
        }
        conserves(&screen(&schema, &rules, held_out, &offered));
    }

    #[test]
    fn order_inside_a_batch_changes_nothing(given in prop::collection::vec((0u8..4, 0u64..2, 0u8..6, 0u8..6), 1..40), turn in 0usize..40) {
        let schema = images(2, 16);
        let records: Vec<Record> = given.iter().map(|(.., a, b)| image(&schema, &[*a, *b], 0)).collect();
        let mut offered: Vec<Offered<'_>> = given.iter().zip(&records).enumerate()
            .map(|(at, ((by, batch, ..), record))| offer(*by, *batch, at as u32, record)).collect();
        let one = screen(&schema, &near(1.0), &[], &offered);
        conserves(&one);
        offered.rotate_left(turn % given.len());
        let mut other = screen(&schema, &near(1.0), &[], &offered);
        conserves(&other);
        other.verdicts.rotate_right(turn % given.len());
        prop_assert_eq!(one.verdicts, other.verdicts);
    }

    #[test]
    fn turns_owe_nobody_more_than_a_few(given in prop::collection::vec(prop::collection::btree_set(0u8..8, 1..8), 1..120)) {
        let schema = images(2, 255);
        let records: Vec<Record> = (0..given.len()).map(|at| image(&schema, &[at as u8, 0], 0)).collect();
        let offered: Vec<Offered<'_>> = given.iter().zip(&records).enumerate()
            .flat_map(|(at, (by, record))| by.iter().map(move |by| offer(*by, 0, at as u32, record))).collect();
        let screening = screen(&schema, &near(0.0), &[], &offered);
        conserves(&screening);
        for (account, totals) in screening.report().contributors {
            let fair: f64 = given.iter().filter(|by| by.contains(&account[0])).map(|by| 1.0 / by.len() as f64).sum();
            prop_assert!((totals.accepted as f64 - fair).abs() < 4.0, "{} of {fair}", totals.accepted);
        }
    }
}
