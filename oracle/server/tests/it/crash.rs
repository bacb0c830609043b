//! A host that is killed, not stopped: SIGKILL at every moment of serving, closing, signing, sending and confirming, and
//! at moments of the recovery from it. Nothing is lost, nothing is there twice, and the sums are equal.
//!
//! | module | what it holds |
//! |---|---|
//! | `moments` | the moments that the crates name, and how a process is stopped at one |
//! | `process` | the process that is killed: a host with its clerk, started by this binary from itself |
//! | `siege` | whoever asks, attests and waits, and does not give up when the host dies |
//! | `reckoning` | what must be true when it is over |

mod moments;
pub(crate) mod process;
mod reckoning;
mod siege;

use std::time::Duration;

use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    studio::Studio,
    town::{Town, run},
};
use moments::Blow;
use siege::Siege;

/// The least number of kills that the long run is worth its name for.
const MANY: usize = 200;
/// How often a moment of one epoch is struck at most: the first time it comes, the second, and so on.
const OCCURRENCES: usize = 3;
/// Kills at times that nobody chose, of hosts that come up and of hosts that serve.
const CHANCES: usize = 30;

#[test]
fn a_kill_at_every_moment_loses_nothing_and_does_nothing_twice() {
    run(async {
        let mut siege = Siege::begin(Studio::new(Town::start().await).await).await;
        let passed = siege.calm_epoch().await;
        siege.endure(passed.into_iter().map(|(moment, _)| Blow::At(moment, 1)).collect()).await;
        assert_eq!(siege.struck().all, moments::all().len());
        siege.reckon().await;
    });
}

/// `make deep`. Every moment at every time it comes, in the recovery from that again, and at times that nobody chose.
#[test]
#[ignore = "minutes"]
fn hundreds_of_kills_lose_nothing_and_do_nothing_twice() {
    run(async {
        let mut siege = Siege::begin(Studio::new(Town::start().await).await).await;
        let passed = siege.calm_epoch().await;
        let mut random = StdRng::seed_from_u64(7);
        for round in 1..=OCCURRENCES {
            let mut blows = Vec::new();
            for (moment, _) in passed.iter().filter(|(_, times)| *times >= round) {
                blows.push(Blow::At(moment.clone(), round));
                // The recovery is struck as well, and sometimes the recovery from that.
                let recovery = moments::of_opening();
                let deep = random.random_range(0..=2);
                blows.extend(recovery.choose_multiple(&mut random, deep).map(|moment| Blow::At(moment.clone(), 1)));
            }
            siege.endure(blows).await;
        }
        let mut shuffled: Vec<Blow> = passed.iter().map(|(moment, _)| Blow::At(moment.clone(), 1)).collect();
        shuffled.shuffle(&mut random);
        siege.endure(shuffled).await;
        // However long a host takes to come up here, half of these find it serving.
        let mut time = || Duration::from_millis(random.random_range(0..600));
        let chance: Vec<Blow> = (0..CHANCES).flat_map(|_| [Blow::After(time()), Blow::Served(time())]).collect();
        let before = siege.struck();
        siege.endure(chance).await;
        let after = siege.struck();
        assert!(after.serving - before.serving >= CHANCES, "{before:?} {after:?}");
        assert!(after.all >= MANY, "{after:?}");
        siege.reckon().await;
    });
}
