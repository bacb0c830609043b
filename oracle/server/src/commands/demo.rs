//! The whole main job on an embedded chain, told as it happens. Every act calls the steps that the commands call.

mod accounts;
mod cast;
mod pooling;
mod serving;

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use alloy::primitives::{Address, U256};
use eyre::{OptionExt, Result, WrapErr, ensure};
use tributary_chain::{
    Chain,
    anvil::{self, Anvil},
    dispute, licenses, lineage, revenue, root,
};
use tributary_dataset::{Record, Schema, Split, SplitSizes, read};
use tributary_factory::{Assessment, TrainingRecipe};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{api::EpochInfo, client::Client, deployment::Deployment, money::format_units};
use tributary_server::{
    host::{Shelf, Source},
    http::stop_signal,
    settings::Settings,
    steps::{
        self, DataFolder,
        data::ModelState,
        model::Training,
        release::{Attestation, Deriving, Plan, Required, SharePlan},
        watch::{Resolve, Watched},
    },
    terms::TermsFile,
};

use super::print;
use cast::Cast;
use serving::Serving;

/// The digits, with their source and license, are described in demo/README.md.
const DIGITS: &str = include_str!("../../../../demo/digits.csv");
/// What the builder sells.
const OFFERS: &str = include_str!("../../../../demo/digits-offers.toml");
const SPLIT_SEED: u64 = 0;
const CONTRIBUTORS: usize = 12;
const IMAGES: usize = 200;

const DAY: u64 = 24 * 60 * 60;
const PRICE: u128 = 1_000_000_000;
const EPOCH_DAYS: u64 = 30;

/// Halves of the contributors that the model is retrained on, to measure its attribution.
const COALITIONS: usize = 8;
/// Contributors without whom it is retrained.
const HOLD_OUTS: usize = 3;

const DATASET_BPS: u16 = 500;
const BUILDER_BPS: u16 = 2_000;
const HOST_BPS: u16 = 1_000;
const CURATORS_BPS: u16 = 500;
const POOL_BPS: u16 = 6_000;
const WINDOW: u32 = 86_400;
const ARBITER_DAYS: u32 = 3;
const BOND: u64 = 10_000_000_000_000_000;
const FALLBACK_DAYS: u32 = 90;

/// Runs the demo. `folder` is used if given, else a temporary one; `keep` leaves chain and host running.
pub(super) async fn run(settings: &Settings, folder: Option<PathBuf>, keep: bool) -> Result<()> {
    let temporary = tempfile::tempdir().wrap_err("a temporary folder")?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).wrap_err_with(|| folder.display().to_string())?;

    act(1, "A chain, and Tributary's contracts on it");
    let anvil = Anvil::start(&folder).await?;
    let chain = Chain::connect(anvil.url()).await?;
    let data = DataFolder::open(&folder, &chain)?;
    println!("  an embedded development chain (anvil) at {}, id {}", anvil.url(), chain.id());
    let cast = Cast::new(CONTRIBUTORS);
    cast.fund(&chain).await?;
    let token = deploy_suite(&chain, &data, &cast).await?;

    act(2, "A community pools its data");
    let digits = data.keep_bytes("digits.csv", DIGITS.as_bytes())?;
    let split = Split::new(read::all(&digits, &Schema::digits())?, SplitSizes::DIGITS, SPLIT_SEED)?;
    pooling::pool_data(&chain, &data, &cast, &split).await?;

    act(3, "The data becomes a model");
    let runtime = OnnxRuntime::load(settings.onnxruntime.as_deref())?;
    let model = build_model(&runtime, &chain, &data, &cast, &split).await?;

    act(4, "A buyer licenses the model");
    let license = sell_license(&chain, &data, &cast, &model, token).await?;

    act(5, "The host answers, and every answer says whose data made it");
    let source = Source::folder(&chain, &folder)?;
    let shelf = Shelf { data: folder.clone(), source, token, options: settings.model_options() };
    let opening = settings.opening(cast.host.clone(), vec![shelf]);
    let serving = Serving::start(settings, &chain, opening).await?;
    ask_host(&chain, &cast, &model, license, &serving.url, &split.test).await?;

    act(6, "The epoch is closed, attested and paid");
    let on = revenue::Account { vault: model.vault, token };
    let (client, epoch) = settle(&chain, &cast, on, &serving).await?;

    act(7, "Who got what");
    let people = accounts::pay_everybody(&chain, &data, &cast, &client, on, epoch.index).await?;
    accounts::balance(&chain, &cast, &people, on, PRICE).await?;

    act(8, "A stranger recomputes it");
    audit(&chain, &client.batch_url(epoch.data_hash))?;

    println!("\nEverything holds: what was paid in is what was paid out and what is still unearned, to the base unit.");
    if keep {
        keep_running(&chain, &cast, &model, license, &serving, &folder, token);
        stop_signal().await;
    }
    serving.stop().await
}

fn act(number: u32, title: &str) {
    println!("\n{number}. {title}");
}

async fn deploy_suite(chain: &Chain, data: &DataFolder, cast: &Cast) -> Result<Address> {
    let dollar = Deployment::demo_dollar();
    let token = dollar.address();
    let manifest = data.join(steps::deployment::manifest_path(chain));
    let deployed = steps::deployment::deploy(&chain.account(&cast.steward)?, vec![dollar], &manifest).await?;
    for (name, address, _) in deployed.contracts {
        println!("  {address}  {name}");
    }
    Ok(token)
}

async fn build_model(
    runtime: &OnnxRuntime,
    chain: &Chain,
    data: &DataFolder,
    cast: &Cast,
    split: &Split,
) -> Result<ModelState> {
    let mut bar = print::TrainingBar::new();
    let builder = chain.account(&cast.builder)?;
    let recipe = TrainingRecipe::default();
    let limits =
        [format!("Its contributors are simulated: real digits were divided among {}.", cast.contributors.len())];
    let training = Training {
        limits: &limits,
        assessment: Assessment { coalitions: COALITIONS, hold_outs: HOLD_OUTS, frontier: Vec::new() },
        purpose: "Reading single handwritten digits of 8 × 8 pixels.",
        ..Training::new(builder.address(), &recipe, &split.held_out, &split.test)
    };
    let built = steps::model::build(runtime, chain, data, training, |step| {
        bar.step(&step);
    })
    .await?;
    bar.finish();
    print::trained(&built);
    let plan = Plan {
        name: "digit reader".into(),
        host: cast.host.address(),
        builder: None,
        curators: Some(cast.curators.address()),
        shares: SharePlan {
            builder: BUILDER_BPS,
            host: HOST_BPS,
            curators: CURATORS_BPS,
            dataset: DATASET_BPS,
            base: 0,
            pool: POOL_BPS,
        },
        base: None,
        attestation: Attestation {
            attestors: cast.attestors.iter().map(|key| key.address()).collect(),
            threshold: 2,
            window: WINDOW,
            arbiter: Some(cast.arbiter.address()),
            arbiter_days: ARBITER_DAYS,
            challenge_bond: BOND,
            poster_bond: BOND,
            fallback_days: FALLBACK_DAYS,
        },
        derivation: Deriving::default(),
        required: Required { accuracy: 0.95, contributor_lds: 0.5, unmeasured: false },
    };
    let review = steps::release::review(&builder, data, &plan.checked()?).await?;
    print::review(&review);
    review.passed()?;
    let model = steps::release::publish(&builder, data, review.model, &review.files).await?;
    println!("  model {} published as version {}", model.version.asset, model.version.version);
    println!(
        "    a root takes a stake of {}; if the attestors fall silent for {FALLBACK_DAYS} days, the pool goes to the \
         dataset's community",
        coins(BOND)
    );
    println!("  its lineage, from the chain alone:");
    let lineage = lineage::of(chain, model.version.asset).await?;
    steps::lineage::text(&lineage).lines().for_each(|line| println!("    {line}"));
    Ok(model)
}

/// The chain's own coin, for people.
fn coins(wei: u64) -> String {
    let text = format_units(wei.into(), 18);
    format!("{} coins", text.trim_end_matches('0'))
}

async fn sell_license(
    chain: &Chain,
    data: &DataFolder,
    cast: &Cast,
    model: &ModelState,
    token: Address,
) -> Result<U256> {
    let terms = data.keep_bytes("terms.toml", OFFERS.replace("TOKEN", &token.to_string()).as_bytes())?;
    let (terms, store) = (TermsFile::read(&terms)?, data.releases());
    let builder = chain.account(&cast.builder)?;
    let offered = steps::license::offer_all(&builder, &store, model.version.asset, &terms).await?;
    println!(
        "  the builder's terms file makes {} offers, each written out as a text whose hash is on chain:",
        offered.len()
    );
    for offered in &offered {
        println!("    offer {}: {}, {}", offered.id, offered.name, accounts::money(offered.price));
    }
    let offered = offered.into_iter().next().ok_or_eyre("the terms file has no offer")?;
    ensure!(offered.price == PRICE, "the first offer costs {}", accounts::money(offered.price));
    let (offer, buyer) = (offered.id, chain.account(&cast.buyer)?);
    cast.mint(chain, token, buyer.address(), PRICE).await?;
    println!("  offer {offer}, as its buyer reads it:");
    for line in steps::license::describe(chain, Some(&store), offer).await? {
        println!("    {line}");
    }
    let license = steps::license::buy(&buyer, offer).await?;
    let expires = licenses::license_at(chain, license, alloy::eips::BlockId::latest()).await?.expiresAt;
    println!("  {} bought license {license}, good until {expires}", print::short(buyer.address()));
    Ok(license)
}

async fn ask_host(
    chain: &Chain,
    cast: &Cast,
    model: &ModelState,
    license: U256,
    url: &str,
    test: &[Record],
) -> Result<()> {
    let (_, session) = steps::ask::sign_in(chain, url, model.version.asset, &cast.buyer, license).await?;
    println!("  {url} serves version {} of the model; its weights' hash is the one on chain", model.version.version);
    println!(
        "  the buyer's wallet {} signed in once; session key {} signs every request",
        print::short(session.holder()),
        print::short(session.key())
    );
    let records: Vec<&Record> = test.iter().take(IMAGES).collect();
    let schema = Schema::digits();
    let label = |record: &&Record| schema.class(record);
    let inputs = records.iter().map(|record| schema.numbers(record).into_iter().map(|value| value as f32).collect());
    let bar = print::counting_bar("asking", IMAGES as u64);
    let answers = steps::ask::infer(chain, &session, model.version.asset, inputs, |_| bar.inc(1)).await?;
    bar.finish_and_clear();
    let right = answers
        .iter()
        .zip(&records)
        .filter(|(answer, record)| answer.predicted.first().map(|class| *class as usize) == label(record))
        .count();
    let ids: BTreeSet<_> = answers.iter().map(|answer| answer.receipt.id).collect();
    ensure!(ids.len() == IMAGES, "{IMAGES} images were asked about, {} receipts came back", ids.len());
    println!(
        "  {IMAGES} held-out images asked, {right} read right; {} signed receipts, all checked. For example:",
        ids.len()
    );
    for (answer, record) in answers.iter().zip(&records).take(3) {
        print!("    ");
        print::answer(answer, label(record));
    }
    Ok(())
}

async fn settle(chain: &Chain, cast: &Cast, on: revenue::Account, serving: &Serving) -> Result<(Client, EpochInfo)> {
    anvil::advance(chain, EPOCH_DAYS * DAY).await?;
    println!("  (the development chain's clock is moved {EPOCH_DAYS} days ahead, so that part of the fee is earned)");
    let epoch = steps::epoch::close(&serving.url, None, &serving.admin_token).await?;
    let books = root::books(chain, on).await?;
    println!(
        "  earned so far {} of {}; the contributors' pool got {}",
        accounts::money(books.revenue),
        accounts::money(PRICE),
        accounts::money(books.pool_credited)
    );
    println!(
        "  epoch {} holds {} receipts; settled by epoch-signed/1 in integers: root {}",
        epoch.index, epoch.receipts, epoch.root
    );
    let client = Client::connect(&serving.url).await?;
    let batch_url = client.batch_url(epoch.data_hash);
    let deadline = chain.head().await?.timestamp + DAY;
    let mut attested = Vec::new();
    for key in cast.attestors.iter().take(2) {
        let attestation = steps::epoch::attest(chain, &batch_url, deadline, key).await?;
        ensure!(attestation.statement.root == epoch.root, "an attestor recomputed another root");
        println!("  attestor {} fetched the batch, recomputed the same root and signed", print::short(key.address()));
        attested.push(attestation);
    }
    let host = chain.account(&cast.host)?;
    let (_, active_at) = steps::epoch::post(&host, &attested).await?;
    println!("  2 of 3 attestors are enough: the host posts the root, stakes {} on it, and waits", coins(BOND));
    let watched = steps::watch::watch(&host, &serving.url, on, Resolve::Prove, None).await?;
    ensure!(matches!(watched, Watched::Holds { .. }), "the watcher found {watched:?}");
    println!("  a watcher recomputes it and finds nothing to challenge: claims are good from {active_at} on");
    let wait = active_at.saturating_sub(chain.head().await?.timestamp);
    anvil::advance(chain, wait).await?;
    println!("  (the clock is moved past the window of {} hours)", WINDOW / 3_600);
    dispute::release_bond(&host, on).await?;
    dispute::withdraw_bond(&host, host.address()).await?;
    println!("  the host has its stake back");
    Ok((client, epoch))
}

/// A separate process, which is told the chain's URL and the batch's URL and nothing else.
fn audit(chain: &Chain, batch_url: &str) -> Result<()> {
    let program = std::env::current_exe().wrap_err("this program's own path")?;
    let output = Command::new(program)
        .args(["audit", "--rpc", chain.url(), "--batch", batch_url])
        .env_remove("TRIBUTARY_KEY")
        .output()
        .wrap_err("starting `tributary audit`")?;
    println!("  $ tributary audit --rpc {} --batch {batch_url}", chain.url());
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("  {line}");
    }
    ensure!(output.status.success(), "the audit failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

fn keep_running(
    chain: &Chain,
    cast: &Cast,
    model: &ModelState,
    license: U256,
    serving: &Serving,
    folder: &std::path::Path,
    token: Address,
) {
    println!("\nChain and host keep running; ctrl-c stops both.");
    println!("  chain        {}", chain.url());
    println!("  host         {}", serving.url);
    println!("  data folder  {}", folder.display());
    println!("  model        {} (vault {}, token {token})", model.version.asset, model.vault);
    println!("  admin token  {}", serving.admin_token.reveal());
    println!("  keys of this development chain's accounts, worthless anywhere else:");
    for (role, key) in cast.roles() {
        println!("    {role:15} {} {}", key.address(), key.to_bytes());
    }
    let program = std::env::current_exe().map_or_else(|_| "tributary".into(), |path| path.display().to_string());
    println!("  For example, ask the model about the first ten digits, as the buyer:");
    println!(
        "    TRIBUTARY_KEY={} {program} ask --rpc {} --host {} --license {license} --model {} --records demo/digits.csv",
        cast.buyer.to_bytes(),
        chain.url(),
        serving.url,
        model.version.asset
    );
}
