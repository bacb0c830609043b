use std::path::Path;

use rand_chacha::rand_core::SeedableRng;

use super::{
    super::{
        super::task::Task,
        screen::{Screening, screen},
    },
    *,
};

const ATTACKER: usize = 3;

fn community() -> Community {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/digits.csv");
    Community::digits(&Task::digits(&path).unwrap(), 0).unwrap()
}

fn offered(community: &Community, attack: Attack) -> Vec<Entry> {
    let helps = vec![true; community.entries.len()];
    attack.offered(community, ATTACKER, &helps, &mut ChaCha8Rng::seed_from_u64(1))
}

#[test]
fn others_offer_what_they_did_and_records_are_whole_numbers() {
    let community = community();
    for attack in Attack::ALL {
        let offered = offered(&community, attack);
        let honest = |entries: &[Entry]| -> Vec<Entry> {
            entries
                .iter()
                .filter(|entry| entry.identity != ATTACKER && entry.identity < CONTRIBUTORS)
                .cloned()
                .collect()
        };
        assert_eq!(honest(&offered), honest(&community.entries), "{attack:?}");
        let mut values = offered.iter().flat_map(|entry| &entry.features);
        assert!(values.all(|value| value.fract() == 0.0 && (0.0..=16.0).contains(value)), "{attack:?}");
        assert!(offered.iter().all(|entry| entry.label < 10));
    }
}

#[test]
fn screening_drops_copies_within_the_radius_and_nothing_honest() {
    let community = community();
    let dropped = |attack: Attack, screening| {
        let offered = offered(&community, attack);
        let kept = screen(&offered, &community.held_out, screening);
        offered.len() - kept.len()
    };
    let own = community.of(ATTACKER).len();
    assert_eq!(dropped(Attack::Newcomer, Screening::Near), 0);
    assert_eq!(dropped(Attack::Duplicates, Screening::Exact), 9 * own);
    assert_eq!(dropped(Attack::Stolen, Screening::Exact), ADDED);
    assert_eq!(dropped(Attack::LeakedHeldOut, Screening::Exact), community.held_out.len());
    assert_eq!(dropped(Attack::NearDuplicates, Screening::Exact), 0);
    // A few carry more noise than the radius allows for.
    assert!(dropped(Attack::NearDuplicates, Screening::Near) > 9 * own * 95 / 100);
    assert!(dropped(Attack::BeyondRadius, Screening::Near) < 9 * own * 5 / 100);
}
