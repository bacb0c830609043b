//! What does cheating pay?
//!
//! A contributor of an honest community changes what they offer; the model is really retrained on what then is offered,
//! attributed, and settled for the same calls. The gain is what all of the attacker's identities are paid, relative to
//! what the honest contributor is paid. Defences are switched on one after the other.
//!
//! | module | what it holds |
//! |---|---|
//! | [`community`] | who offers which records |
//! | [`attack`] | what an attacker offers |
//! | [`screen`] | records too much alike are one |
//! | [`pay`] | from offered records to shares of the money |
//! | [`gain`] | gains over many attackers, with bounds |

mod attack;
mod community;
mod gain;
mod pay;
mod screen;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use eyre::{Result, eyre};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;
use tributary_runtime::OnnxRuntime;
use tributary_settlement::Policy;

use self::{
    attack::Attack,
    community::{CONTRIBUTORS, Community, records},
    gain::{Case, Gain},
    pay::Release,
    screen::{Screening, screen},
};
use super::{graphs::Graphs, perceptron, ready, report::write, subject::Subject, task::Task};

/// Own records that a self-dealing licensee asks about, over and over.
const FAVOURITES: usize = 10;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    digits: PathBuf,
    /// Attackers in each community.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=40))]
    attackers: u64,
    /// Communities: divisions of the records, and draws of the attacks.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Widths of the hidden layers; none for softmax regression.
    #[arg(long, value_delimiter = ',')]
    hidden: Vec<usize>,
    /// Where the figures are written.
    #[arg(long, default_value = "bench/results/attacks.json")]
    results: PathBuf,
    /// Attacks at a time; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
}

/// A defence and the name of its column.
#[derive(Clone, Copy, Debug)]
struct Defence {
    name: &'static str,
    /// How calls are settled; `None` for baseline shares.
    policy: Option<Policy>,
    gated: bool,
    screening: Screening,
}

const fn settled(name: &'static str, policy: Policy, gated: bool, screening: Screening) -> Defence {
    Defence { name, policy: Some(policy), gated, screening }
}

const DEFENCES: [Defence; 8] = [
    settled("per-inference", Policy::PerInference1, false, Screening::None),
    settled("epoch-signed", Policy::EpochSigned1, false, Screening::None),
    settled("… gate", Policy::EpochSigned1, true, Screening::None),
    settled("… gate, exact", Policy::EpochSigned1, true, Screening::Exact),
    settled("… gate, near", Policy::EpochSigned1, true, Screening::Near),
    settled("p-i, gate, near", Policy::PerInference1, true, Screening::Near),
    Defence { name: "baseline", policy: None, gated: true, screening: Screening::None },
    Defence { name: "baseline, near", policy: None, gated: true, screening: Screening::Near },
];

/// What is written.
#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    subject: String,
    attackers: u64,
    seeds: u64,
    /// Honest records that near-duplicate screening drops, over all communities.
    honest_dropped: usize,
    attacks: Vec<AttackResult>,
    /// Share of their own fee that a licensee gets back by asking about their own records.
    self_dealing: Vec<(&'static str, Gain)>,
}

#[derive(Debug, Serialize)]
struct AttackResult {
    attack: &'static str,
    gains: BTreeMap<&'static str, Gain>,
}

/// One attacker's payouts: honest, then by attack, each by defence; and what self-dealing returns by policy.
struct Outcome {
    honest: Vec<f64>,
    attacked: Vec<Vec<f64>>,
    returned: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let task = Task::digits(&arguments.digits)?;
    let training = ready(if arguments.hidden.is_empty() { 5e-3 } else { 3e-3 });
    let subject = Graphs::new(OnnxRuntime::load(None)?, perceptron(&arguments.hidden), training, task.records())?;
    let threads = arguments.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let mut outcomes = Vec::new();
    let mut honest_dropped = 0;
    for seed in 0..arguments.seeds {
        let community = Community::digits(&task, seed)?;
        let kept = screen(&community.entries, &community.held_out, Screening::Near).len();
        honest_dropped += community.entries.len() - kept;
        let honest = Release::new(&community.entries, &community, &subject)?;
        let helps = honest.helps(&community.usage)?;
        let step = CONTRIBUTORS / arguments.attackers as usize;
        let attackers: Vec<usize> = (0..arguments.attackers as usize).map(|place| place * step).collect();
        let paid_honestly = DEFENCES.map(|defence| shares(&honest, &community, defence));
        let paid_honestly = paid_honestly.into_iter().collect::<Result<Vec<_>>>()?;
        let found = in_parallel(threads, &attackers, |attacker| {
            let paid = |shares: &BTreeMap<usize, f64>| shares.get(attacker).copied().unwrap_or(0.0);
            let attacked = Attack::ALL
                .iter()
                .map(|attack| attacked(*attack, *attacker, seed, &community, &helps, &subject))
                .collect::<Result<Vec<_>>>()?;
            let honest_shares = paid_honestly.iter().map(paid).collect();
            Ok(Outcome { honest: honest_shares, attacked, returned: Vec::new() })
        })?;
        for (attacker, mut outcome) in attackers.iter().zip(found) {
            outcome.returned = self_dealing(&honest, &community, *attacker)?;
            outcomes.push(outcome);
        }
        println!("community {seed}: {:.0} s", began.elapsed().as_secs_f64());
    }
    let results = Results {
        command: "cargo xtask bench attacks",
        subject: subject.recipe(),
        attackers: arguments.attackers,
        seeds: arguments.seeds,
        honest_dropped,
        attacks: (Attack::ALL.iter().enumerate())
            .map(|(place, attack)| AttackResult { attack: attack.name(), gains: gains(&outcomes, place) })
            .collect(),
        self_dealing: (Policy::ALL.iter().enumerate())
            .map(|(place, policy)| {
                let cases = outcomes.iter().map(|outcome| Case { honest: 1.0, attacked: outcome.returned[place] });
                (policy.name(), Gain::new(&cases.collect::<Vec<_>>()))
            })
            .collect(),
    };
    results.print();
    write(&arguments.results, &results)
}

/// What the attacker is paid by each defence.
fn attacked(
    attack: Attack,
    attacker: usize,
    seed: u64,
    community: &Community,
    helps: &[bool],
    subject: &dyn Subject,
) -> Result<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed << 16 | (attacker as u64) << 8 | attack as u64);
    let offered = attack.offered(community, attacker, helps, &mut rng);
    let mut releases: Vec<(Vec<usize>, Release)> = Vec::new();
    let mut paid = Vec::with_capacity(DEFENCES.len());
    for defence in DEFENCES {
        let kept = screen(&offered, &community.held_out, defence.screening);
        let known = releases.iter().position(|(before, _)| *before == kept);
        let place = match known {
            Some(place) => place,
            None => {
                let accepted: Vec<_> = kept.iter().map(|place| offered[*place].clone()).collect();
                releases.push((kept, Release::new(&accepted, community, subject)?));
                releases.len() - 1
            }
        };
        let shares = shares(&releases[place].1, community, defence)?;
        let own = shares.iter().filter(|(identity, _)| **identity == attacker || **identity >= CONTRIBUTORS);
        paid.push(own.map(|(_, share)| share).sum());
    }
    Ok(paid)
}

fn shares(release: &Release, community: &Community, defence: Defence) -> Result<BTreeMap<usize, f64>> {
    match defence.policy {
        Some(policy) => release.shares(&community.usage, policy, defence.gated),
        None => Ok(release.baseline()),
    }
}

/// What a licensee who is a contributor gets back of the contributors' part of their own fee, by policy, if they ask about
/// nothing but the own records that pay them best.
fn self_dealing(release: &Release, community: &Community, attacker: usize) -> Result<Vec<f64>> {
    let own = records(&community.of(attacker))?;
    let returned = |places: &[usize], policy: Policy| -> Result<f64> {
        let shares = release.shares(&own.select(places), policy, true)?;
        Ok(shares.get(&attacker).copied().unwrap_or(0.0))
    };
    let policies = Policy::ALL.iter().map(|policy| {
        let each = (0..own.len()).map(|place| Ok((returned(&[place], *policy)?, place))).collect::<Result<Vec<_>>>();
        let mut each = each?;
        each.sort_by(|a, b| b.0.total_cmp(&a.0));
        let favourites: Vec<usize> = each.iter().take(FAVOURITES).map(|(_, place)| *place).collect();
        returned(&favourites, *policy)
    });
    policies.collect()
}

fn gains(outcomes: &[Outcome], attack: usize) -> BTreeMap<&'static str, Gain> {
    let gain = |place: usize| {
        let case =
            |outcome: &Outcome| Case { honest: outcome.honest[place], attacked: outcome.attacked[attack][place] };
        Gain::new(&outcomes.iter().map(case).collect::<Vec<_>>())
    };
    DEFENCES.iter().enumerate().map(|(place, defence)| (defence.name, gain(place))).collect()
}

impl Results {
    fn print(&self) {
        println!("\n{}", self.subject);
        println!("gain: the median attacker's, its upper 95 % bound, and that of all attackers' payouts together");
        print!("{:<30}", "");
        DEFENCES.iter().for_each(|defence| print!("{:>18}", defence.name));
        println!();
        for result in &self.attacks {
            print!("{:<30}", result.attack);
            for gain in DEFENCES.iter().filter_map(|defence| result.gains.get(defence.name)) {
                let text = format!("{:.2} {:.2} {:.2}", gain.median.value, gain.median.high, gain.of_all.high);
                print!("{text:>18}");
            }
            println!();
        }
        if let Some(result) = self.attacks.first() {
            print!("{:<30}", "attackers whom honesty pays");
            DEFENCES
                .iter()
                .filter_map(|defence| result.gains.get(defence.name))
                .for_each(|gain| print!("{:>18}", gain.paid_honestly));
            println!();
        }
        for (policy, gain) in &self.self_dealing {
            println!(
                "self-dealing returns of the own fee, {policy}: {:.3}, at most {:.3}",
                gain.of_all.value, gain.largest
            );
        }
        println!("honest records dropped by screening: {}", self.honest_dropped);
    }
}

/// Results in order, whatever the threads.
fn in_parallel<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || -> Result<()> {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { return Ok(()) };
            let result = work(item)?;
            done.lock().map_err(|_| eyre!("a thread panicked"))?.push((place, result));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| eyre!("a thread panicked"))?)
    })?;
    let mut done = done.into_inner().map_err(|_| eyre!("a thread panicked"))?;
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
