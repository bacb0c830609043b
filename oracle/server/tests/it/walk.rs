//! The main job as people do it: one command after the other, each a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Stdio,
    time::Duration,
};

use alloy::{
    primitives::{Address, address},
    providers::Provider,
    signers::local::PrivateKeySigner,
};
use axum::{Router, extract::Path, routing::get};
use serde_json::Value;
use tributary_chain::Chain;
use tributary_sdk::{client, deployment::Deployment};

#[cfg(feature = "otlp")]
use crate::traces;
use crate::{
    program::{Program, Server, Starting, tributary},
    proxy::{Fault, Proxy},
    studio::{SPLIT, csv},
    town::{DAY, Town, folder, run, word},
};

const CHECKED: usize = 6;
const WINDOW: u64 = 60;

/// Who takes part.
struct Cast {
    steward: PrivateKeySigner,
    contributors: [PrivateKeySigner; 3],
    builder: PrivateKeySigner,
    host: PrivateKeySigner,
    buyer: PrivateKeySigner,
    attestors: [PrivateKeySigner; 3],
}

impl Cast {
    async fn new(town: &Town) -> Self {
        let key = || town.resident();
        Self {
            steward: key().await,
            contributors: [key().await, key().await, key().await],
            builder: key().await,
            host: key().await,
            buyer: key().await,
            attestors: [key().await, key().await, key().await],
        }
    }

    fn keys(&self) -> Vec<&PrivateKeySigner> {
        let single = [&self.steward, &self.builder, &self.host, &self.buyer];
        single.into_iter().chain(&self.contributors).chain(&self.attestors).collect()
    }
}

/// The word after `before` in a text.
#[track_caller]
fn after(text: &str, before: &str) -> String {
    let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no `{before}` in: {text}"));
    rest.split([' ', ',', '\n']).next().unwrap().to_owned()
}

/// A published model with an offer, made by commands.
struct Shop {
    town: Town,
    cast: Cast,
    program: Program,
    model: String,
    vault: String,
    offer: String,
}

impl Shop {
    async fn open(log: Option<&'static str>) -> Self {
        let town = Town::empty().await;
        let cast = Cast::new(&town).await;
        let program = Program::new(town.chain.url(), log, &cast.keys());
        Self::deploy(&program, &cast);
        Self::pool(&program, &cast);
        let (model, vault) = Self::build(&program, &cast);
        let offer = Self::offer(&program, &cast, &town.dollar.to_string());
        Self { town, cast, program, model, vault, offer }
    }

    fn deploy(program: &Program, cast: &Cast) {
        program.run(None, &["deploy", "--check"]).failed(&["AttributionLedger", "tributary deploy"]);
        let said = program.run(cast.steward.clone(), &["deploy", "--demo-dollar"]).fine();
        assert!(said.contains(&Deployment::canonical().ledger.to_string()) && said.contains("Created"), "{said}");
        let again = program.run(cast.steward.clone(), &["deploy"]).fine();
        assert!(again.contains("Present") && !again.contains("Created"), "{again}");
        // The second time without the dollar's flag: what the manifest names stays in it.
        let manifest = program.folder.path().join("deployments/31337.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("DemoDollar") && text.contains("LicenseToken"), "{text}");
        assert!(program.run(None, &["deploy", "--check"]).fine().contains("31337.json says"));
        let elsewhere = program.file("elsewhere.json", &text.replace("31337", "1"));
        let elsewhere = elsewhere.to_str().unwrap();
        program.run(None, &["deploy", "--check", "--manifest", elsewhere]).failed(&["elsewhere.json", "of chain 1"]);
        let over = program.run(cast.steward.clone(), &["deploy", "--manifest", elsewhere]);
        over.failed(&["elsewhere.json", "of chain 1"]);
        program.run(None, &["deploy", "--check", "--manifest", "none.json"]).failed(&["none.json is missing"]);
        std::fs::remove_file(manifest).unwrap();
        assert!(program.run(None, &["deploy", "--check"]).fine().contains("there is no manifest"));
        program.run(cast.steward.clone(), &["deploy"]).fine();
        let anew = program.run(None, &["deploy", "--check"]).fine();
        assert!(anew.contains("31337.json says") && anew.contains("since block"), "{anew}");
    }

    fn pool(program: &Program, cast: &Cast) {
        program.file("held-out.csv", &csv(&SPLIT.held_out));
        program.file("test.csv", &csv(&SPLIT.test));
        program.file("terms.txt", "Train on these.");
        let early = program.run(cast.steward.clone(), &["dataset", "snapshot", "--held-out", "held-out.csv"]);
        early.failed(&["tributary dataset create"]);
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/digits.toml");
        program.file("screening.toml", "radius = 5.0\noutlier = 0.0\nfolds = 0\n");
        let create =
            "dataset create --name digits --terms terms.txt --held-out held-out.csv --screening screening.toml";
        let create: Vec<&str> = create.split(' ').chain(["--schema", schema]).collect();
        let said = program.run(cast.steward.clone(), &create).fine();
        assert!(said.starts_with("dataset 0x") && said.contains(" with vault 0x"), "{said}");

        let mut consents = Vec::new();
        for (place, (key, records)) in cast.contributors.iter().zip(SPLIT.training.chunks(100)).enumerate() {
            let name = format!("records-{place}.csv");
            program.file(&name, &csv(records));
            let said = program.run(key.clone(), &["dataset", "contribute", "--records", &name]).fine();
            consents.push(after(&said, "consent "));
        }
        let foreign = program.run(cast.contributors[1].clone(), &["dataset", "withdraw", &consents[2]]);
        foreign.failed(&["Consent_NotContributor"]);
        let said = program.run(cast.contributors[2].clone(), &["dataset", "withdraw", &consents[2]]).fine();
        assert!(said.contains("is withdrawn"), "{said}");
        let said = program.run(cast.steward.clone(), &["dataset", "snapshot", "--held-out", "held-out.csv"]).fine();
        assert!(said.contains("of 200 records accepted") && said.contains("snapshot 1 of dataset"), "{said}");
    }

    fn build(program: &Program, cast: &Cast) -> (String, String) {
        let train = ["train", "--held-out", "held-out.csv", "--test", "test.csv"];
        program.run(cast.builder.clone(), &train).failed(&["has no grant for these records"]);
        let to = cast.builder.address().to_string();
        let said = program.run(cast.steward.clone(), &["dataset", "grant", "--to", &to]).fine();
        assert!(said.contains("may train until"), "{said}");
        let said = program.run(cast.builder.clone(), &train).fine();
        assert!(said.contains("accuracy") && said.contains("contributor table: 2 rows"), "{said}");

        let attestors: Vec<String> =
            cast.attestors.iter().map(|key| format!("{:?}", key.address().to_string())).collect();
        let plan = format!(
            "name = \"reader\"\nhost = \"{}\"\n[attestation]\nattestors = [{}]\nwindow = 60\n",
            cast.host.address(),
            attestors.join(", ")
        );
        program.file("plan.toml", &plan);
        let release = ["release", "--plan", "plan.toml"];
        let unmeasured = program.run(cast.builder.clone(), &release);
        unmeasured.failed(&["nobody has measured", "unmeasured = true"]);
        program.file("plan.toml", &format!("{plan}[required]\nunmeasured = true\n"));
        let said = program.run(cast.builder.clone(), &[&release[..], &["--check"]].concat()).fine();
        assert!(said.contains("would take the model as planned") && !said.contains(" version 1, vault"), "{said}");
        let said = program.run(cast.builder.clone(), &release).fine();
        let published = said.lines().last().unwrap();
        assert!(published.contains(" version 1, vault"), "{said}");
        (after(published, "model "), after(published, "vault "))
    }

    fn offer(program: &Program, cast: &Cast, dollar: &str) -> String {
        let terms = format!(
            "token = \"{dollar}\"\n[[offer]]\npreset = \"research\"\nprice = \"1.00\"\ncalls = 100\nterritory = \"EU and EEA\"\n"
        );
        program.file("terms.toml", &terms);
        let offer = ["license", "offer", "--terms", "terms.toml"];
        let checked = program.run(None, &[&offer[..], &["--check"]].concat()).fine();
        assert!(
            checked.starts_with("# Research: a license to model 0x") && checked.contains("nothing was put on chain")
        );
        let said = program.run(cast.builder.clone(), &offer).fine();
        assert!(said.contains("- Territory: EU and EEA\n") && said.contains(": Research, 1 DEMO, text 0x"), "{said}");
        let id = after(&said, "\noffer ");
        let again = program.run(cast.builder.clone(), &offer).fine();
        assert!(again.contains(&format!("\noffer {} which stood already", id.replace(':', ","))), "{again}");
        let offer = id.trim_end_matches(':').to_owned();
        let said = program.run(None, &["license", "show", &offer]).fine();
        assert!(said.contains("may     ask the model\n") && said.contains("at most 100 calls"), "{said}");
        assert!(
            said.contains("price   1 DEMO, paid in the token 0x") && said.contains("good    for 365 days"),
            "{said}"
        );
        assert!(said.contains("where   EU and EEA\n") && said.contains("owed    name the model"), "{said}");
        program.run(cast.steward.clone(), &["license", "offer", "--terms", "terms.toml"]).failed(&["belongs to"]);
        let wrong = terms.replace("1.00", "0.0000001");
        program.file("wrong.toml", &wrong);
        let wrong = program.run(cast.builder.clone(), &["license", "offer", "--terms", "wrong.toml"]);
        wrong.failed(&["offer 1 of the terms file (\"Research\")", "has 7 decimals and the token has 6"]);
        offer
    }

    async fn buy(&self) -> String {
        let poor = self.program.run(self.cast.buyer.clone(), &["license", "buy", &self.offer]);
        poor.failed(&["holds 0 base units", "costs 1000000", "fund it first"]);
        self.town.mint(&self.cast.buyer, 1_000_000).await;
        after(&self.program.run(self.cast.buyer.clone(), &["license", "buy", &self.offer]).fine(), "license ")
    }

    fn serve(&self) -> Server {
        let dollar = self.town.dollar.to_string();
        self.program.serve(&self.cast.host, &["serve", "--token", &dollar, "--listen", "127.0.0.1:0"])
    }

    /// Whoever takes over when nobody serves any more.
    fn stand_by(&self) -> Starting {
        let dollar = self.town.dollar.to_string();
        let serve = ["serve", "--standby", "--token", &dollar, "--listen", "127.0.0.1:0"];
        self.program.start(&self.cast.host, &serve)
    }

    /// A host that serves may be looked at; whoever is not its host is told so.
    fn examine(&self) {
        let said = self.program.run(self.cast.host.clone(), &["doctor"]).fine();
        assert!(said.contains("ok       ledger: in use by a host"), "{said}");
        assert!(said.contains(&format!("of model {}, as on chain", self.model)), "{said}");
        let stranger = self.program.run(self.cast.buyer.clone(), &["doctor"]);
        stranger.failed(&["1 problems"]);
        let words = format!("problem  release: the model's host is {}", self.cast.host.address());
        assert!(stranger.out.contains(&words), "{}", stranger.out);
    }

    /// Asks; the first answer's receipt.
    fn ask(&self, url: &str, license: &str) -> String {
        let count = CHECKED.to_string();
        let ask = [
            "ask",
            "--host",
            url,
            "--license",
            license,
            "--model",
            &self.model,
            "--records",
            "test.csv",
            "--count",
            &count,
        ];
        let said = self.program.run(self.cast.buyer.clone(), &ask).fine();
        assert_eq!(said.lines().count(), CHECKED, "{said}");
        assert!(said.lines().all(|line| line.contains("receipt 0x") && line.contains("helped most by")), "{said}");
        self.program.run(self.cast.steward.clone(), &ask).failed(&["not_licensed"]);
        after(&said, "receipt ")
    }

    /// A bearer key is shown once, to whoever made it; it is listed by its hash until and after it is revoked.
    fn allow_and_revoke(&mut self, url: &str, license: &str) {
        let run = |program: &Program, by: &PrivateKeySigner, words: &[&str]| {
            let args = [&["key"], words, &["--host", url, "--license", license]].concat();
            program.run(by.clone(), &args)
        };
        let Self { cast, program, .. } = self;
        let said = run(program, &cast.buyer, &["allow", "--label", "shop"]).fine();
        let (allowed, bearer) = said.trim_end().split_once('\n').unwrap();
        assert!(allowed.contains(&format!(" may ask under license {license} until ")), "{said}");
        assert!(bearer.starts_with("trb_"), "{said}");
        program.hide(bearer.trim_start_matches("trb_"));
        let key = allowed.split(' ').next().unwrap();
        let said = run(program, &cast.buyer, &["list"]).fine();
        assert!(said.contains(&format!("{key} shop until ")), "{said}");
        let usage = format!("{CHECKED} records asked about of 100, {CHECKED} of them in the open epoch");
        assert!(said.contains(&usage), "{said}");
        run(program, &cast.steward, &["list"]).failed(&["not_licensed"]);
        run(program, &cast.steward, &["revoke", key]).failed(&["not_licensed"]);
        assert!(run(program, &cast.buyer, &["revoke", key]).fine().contains(&format!("{key} is revoked")));
        let said = run(program, &cast.buyer, &["list"]).fine();
        assert!(said.contains(&format!("{key} shop revoked at ")), "{said}");
    }

    #[track_caller]
    fn receipt_is(&self, url: &str, id: &str, words: &str) {
        let said = self.program.run(None, &["receipt", "--host", url, id]).fine();
        assert!(said.starts_with(&format!("receipt {id} of license ")) && said.contains("for 1 records"), "{said}");
        assert!(said.contains("which signed the request") && said.contains(words), "{said}");
    }

    /// Copies a ledger that is in use and makes the copy another folder's; writes the receipts as a table.
    fn copy_records(&self, url: &str, receipt: &str) {
        let said = self.program.run(None, &["ledger", "backup", "--host", url]).fine();
        let copy = said.strip_prefix("the ledger and 1 batches are in ").unwrap_or_else(|| panic!("{said}")).trim_end();
        let restore = ["ledger", "restore", copy, "--data", "restored"];
        let said = self.program.run(None, &restore).fine();
        assert!(
            said.contains(&format!("1 epochs, {CHECKED} receipts in them, 0 in the open one, 1 batches")),
            "{said}"
        );
        self.program.run(None, &restore).failed(&["exists already"]);

        let missing = self.program.run(None, &["ledger", "export", "--host", url, "--epoch", "2"]);
        missing.failed(&["unknown_epoch"]);
        let export = ["ledger", "export", "--host", url, "--epoch", "1"];
        let table = self.program.run(None, &export).fine();
        assert_eq!(table.lines().count(), 1 + CHECKED, "{table}");
        assert!(table.contains(receipt.trim_start_matches("0x")), "no {receipt} in {table}");
        let written = self.program.run(None, &[&export[..], &["--out", "receipts.csv"]].concat()).fine();
        let file = std::fs::read_to_string(self.program.folder.path().join("receipts.csv")).unwrap();
        assert_eq!((written.as_str(), file), ("", table));
    }

    /// What the host's books say of a contributor who claimed everything, and why; and of somebody who gave nothing.
    async fn account_for(&self, url: &str, receipt: &str) {
        let [first, _, third] = &self.cast.contributors;
        let (paid, account) = (self.town.balance(first.address()).await, first.address().to_string());
        let said = self.program.run(None, &["account", "--host", url, &account]).fine();
        assert!(said.contains(&format!("model {}, in base units of {}", self.model, self.town.dollar)), "{said}");
        assert!(said.contains(&format!("allotted {paid}, posted {paid}, active {paid}, claimed {paid}")), "{said}");
        assert!(said.contains(&format!("epoch 1: {paid}, active")), "{said}");
        let said = self.program.run(None, &["account", "--host", url, &account, "--why", "1"]).fine();
        assert!(said.starts_with(&format!("{paid} base units:\n")), "{said}");
        assert!(said.contains("divided by the attribution of its receipts"), "{said}");
        assert!(said.contains(&format!("receipt {receipt}: ")), "{said}");
        let said = self.program.run(None, &["account", "--host", url, &third.address().to_string()]).fine();
        assert!(said.contains("no model here has allotted"), "{said}");
    }

    /// Closes, attests with two and posts; returns the batch's URL.
    async fn settle(&self, url: &str, receipt: &str) -> String {
        self.town.advance(DAY).await;
        let said = self.program.run(None, &["epoch", "close", "--host", url]).fine();
        assert!(said.contains(&format!("epoch 1 closed with {CHECKED} receipts")), "{said}");
        let batch = said.lines().nth(1).unwrap().to_owned();
        self.receipt_is(url, receipt, "in epoch 1, which is closed and not posted yet");

        let audit = ["audit", "--batch", &batch];
        self.program.run(None, &audit).failed(&["no root on chain commits to this batch"]);
        let deadline = (self.town.now().await + DAY).to_string();
        for (place, key) in self.cast.attestors[..2].iter().enumerate() {
            let attest = ["epoch", "attest", "--batch", &batch, "--deadline", &deadline];
            let said = self.program.run(key.clone(), &attest).fine();
            let _: Value = serde_json::from_str(&said).unwrap();
            self.program.file(&format!("attested-{place}.json"), &said);
        }
        let alone = self.program.run(self.cast.host.clone(), &["epoch", "post", "attested-0.json"]);
        alone.failed(&["1 attestations, the vault's policy asks for 2"]);
        let post = ["epoch", "post", "attested-0.json", "attested-1.json"];
        assert!(self.program.run(self.cast.host.clone(), &post).fine().contains("posted as 1"));
        self.receipt_is(url, receipt, "in epoch 1: the root on chain commits to it");
        self.program.run(self.cast.host.clone(), &post).failed(&["Ledger_RootPending"]);
        let dollar = self.town.dollar.to_string();
        let watch = ["watch", "--host", url, "--vault", &self.vault, "--token", &dollar];
        let said = self.program.run(self.cast.buyer.clone(), &watch).fine();
        assert!(said.contains("root 1 is what recomputing gives"), "{said}");
        let elsewhere = watch.map(|word| if word == url { "http://127.0.0.1:1" } else { word });
        let withheld = self.program.run(self.cast.buyer.clone(), &elsewhere);
        withheld.failed(&["root 1 is wrong", "not published", "tributary challenge"]);
        batch
    }

    async fn claim(&self, url: &str) {
        let dollar = self.town.dollar.to_string();
        let claim = ["claim", "--host", url, "--epoch", "1", "--vault", &self.vault, "--token", &dollar];
        let [first, second, third] = &self.cast.contributors;
        self.program.run(first.clone(), &claim).failed(&["Ledger_RootNotActive"]);
        self.town.advance(WINDOW).await;
        assert!(self.program.run(first.clone(), &claim).fine().contains("was paid"));
        assert!(self.town.balance(first.address()).await > 0);
        self.program.run(first.clone(), &claim).failed(&["Ledger_NothingToClaim"]);
        // Anybody may send a claim; the money goes to the account.
        let of = second.address().to_string();
        let for_another: Vec<&str> = claim.into_iter().chain(["--account", &of]).collect();
        assert!(self.program.run(self.cast.host.clone(), &for_another).fine().contains(&of));
        assert!(self.town.balance(second.address()).await > 0);
        self.program.run(third.clone(), &claim).failed(&["no_leaf"]);
        self.withdraw().await;
    }

    /// The share table's credits: to the account, or where it says.
    async fn withdraw(&self) {
        let dollar = self.town.dollar.to_string();
        let withdraw = ["withdraw", "--vault", &self.vault, "--token", &dollar];
        assert!(self.program.run(self.cast.host.clone(), &withdraw).fine().contains("was paid"));
        assert!(self.town.balance(self.cast.host.address()).await > 0);
        self.program.run(self.cast.host.clone(), &withdraw).failed(&["Vault_NothingToWithdraw"]);
        let elsewhere = Address::from_word(word());
        let to = elsewhere.to_string();
        let redirected: Vec<&str> = withdraw.into_iter().chain(["--to", &to]).collect();
        assert!(self.program.run(self.cast.builder.clone(), &redirected).fine().contains(&to));
        assert!(self.town.balance(elsewhere).await > 0);
        assert_eq!(self.town.balance(self.cast.builder.address()).await, 0);
    }

    async fn renew(&self, license: &str) {
        let poor = self.program.run(self.cast.buyer.clone(), &["license", "renew", license]);
        poor.failed(&["holds 0 base units", "costs 1000000", "fund it first"]);
        self.town.mint(&self.cast.buyer, 1_000_000).await;
        let said = self.program.run(self.cast.buyer.clone(), &["license", "renew", license]).fine();
        assert!(said.contains("is good until"), "{said}");
        let revoke = ["license", "revoke", license, "--reason", "it was not paid"];
        self.program.run(self.cast.builder.clone(), &revoke).failed(&["Market_NotRevocable"]);
    }
}

#[test]
fn the_whole_job_is_done_command_by_command_and_says_no_secret_however_much_is_logged() {
    run(async {
        let mut shop = Shop::open(Some("debug")).await;
        #[cfg(feature = "otlp")]
        let collector = traces::Collector::start(&mut shop.program).await;
        let license = shop.buy().await;
        shop.renew(&license).await;
        let server = shop.serve();
        let receipt = shop.ask(&server.url, &license);
        // The host is killed, with no time to say anything; who stands by takes over, and what was answered is in the
        // epoch all the same.
        let mut standby = shop.stand_by();
        standby.says("standing by until");
        // Whoever did not wait has found the folder in use by the time this is over.
        shop.examine();
        drop(server);
        standby.says("taking over");
        let server = standby.serving();
        shop.allow_and_revoke(&server.url, &license);
        shop.receipt_is(&server.url, &receipt, "its epoch is open");
        let batch = shop.settle(&server.url, &receipt).await;
        shop.copy_records(&server.url, &receipt);
        shop.claim(&server.url).await;
        shop.account_for(&server.url, &receipt).await;
        let said = shop.program.run(None, &["audit", "--batch", &batch]).fine();
        assert!(said.contains("The root on chain MATCHES") && said.contains("active"), "{said}");
        refuse_tampered(&shop, &batch).await;
        refuse_taken_port(&shop, &server);
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.err.contains("stopped"), "{}", ended.err);
        shop.program.check_secrets(&ended.err);
        #[cfg(feature = "otlp")]
        collector.check(&shop.program);
    });
}

#[test]
fn a_host_left_to_itself_closes_collects_what_attestors_say_and_posts_by_a_key_and_nodes_of_its_own() {
    /// The first test vector of the Web3 Secret Storage definition; its password is `testpassword`.
    const KEYSTORE: &str = include_str!("../../../submission/tests/keystore.json");
    const POSTER: Address = address!("0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
    /// The clerk looks every ten seconds, and has to look a few times.
    const SURELY: Duration = Duration::from_secs(240);
    run(async {
        let mut shop = Shop::open(Some("debug")).await;
        let license = shop.buy().await;
        shop.town.fund(POSTER).await;
        // Nodes whose URLs have keys; one is not there.
        let (node, second) = (Proxy::before(shop.town.chain.url()).await, Proxy::before(shop.town.chain.url()).await);
        // It is too busy once, and is asked again.
        second.fail("eth_chainId", Fault::Busy, 1);
        let (rpc, more) = (format!("{}/v3/first-key", node.url), format!("{}/v3/second-key", second.url));
        shop.program.hide("first-key");
        shop.program.hide("second-key");
        shop.program.hide("testpassword");
        shop.program.file("poster.json", KEYSTORE);
        let settings = format!(
            "epoch_seconds = 3600\nposter_keystore = \"poster.json\"\nposter_keystore_password = \"testpassword\"\n\
             more_rpcs = [\"{more}\", \"http://127.0.0.1:1\"]\nmax_fee_gwei = 50\ndrain_seconds = 0\n"
        );
        shop.program.file("host.toml", &settings);
        let dollar = shop.town.dollar.to_string();
        let serve = ["--config", "host.toml", "--rpc", &rpc, "serve", "--token", &dollar, "--listen", "127.0.0.1:0"];
        let server = shop.program.serve(&shop.cast.host, &serve);
        shop.ask(&server.url, &license);
        let attest = ["attest", "--host", &server.url, "--every", "1"];
        let attestors = shop.cast.attestors[..2].iter().map(|key| shop.program.start(key, &attest)).collect::<Vec<_>>();
        let list = ["submission", "list", "--host", &server.url];
        let said = shop.program.run(None, &list).fine();
        assert_eq!(said, "nothing was submitted yet\n");
        shop.town.advance(3_600).await;
        let posted = async {
            while !shop.program.run(None, &list).fine().contains("  final\n  transaction 0x") {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(SURELY, posted).await.unwrap();
        assert_eq!(second.left(), 0, "the second node was never asked");
        let sent = shop.town.chain.provider().get_transaction_count(POSTER).await.unwrap();
        assert_eq!(sent, 1);
        let watch = ["watch", "--host", &server.url, "--vault", &shop.vault, "--token", &dollar];
        assert!(shop.program.run(shop.cast.buyer.clone(), &watch).fine().contains("root 1 is what recomputing gives"));
        shop.claim(&server.url).await;
        drop(attestors);
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        shop.program.check_secrets(&ended.err);
    });
}

/// Batches that somebody else serves, and addresses where there is none.
async fn refuse_tampered(shop: &Shop, batch: &str) {
    let bytes = client::fetch(batch).await.unwrap();
    let mut other: Value = serde_json::from_slice(&bytes).unwrap();
    other["leaves"][0]["cumulative"] = Value::from("1");
    let tampered = [
        ("leaf", serde_json::to_vec_pretty(&other).unwrap()),
        ("space", [&bytes, &b"\n"[..]].concat()),
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        ("nothing", vec![]),
    ];
    let router = Router::new().route(
        "/{name}",
        get(move |Path(name): Path<String>| async move {
            tampered.into_iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes).unwrap_or_default()
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forger = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let missing = format!("{}/{}", batch.rsplit_once('/').unwrap().0, word());
    let cases = [
        (format!("{forger}/leaf"), "recomputing gives root"),
        (format!("{forger}/space"), "data hash"),
        (format!("{forger}/cut"), "does not read"),
        (format!("{forger}/nothing"), "does not read"),
        (missing, "unknown_batch"),
        ("http://127.0.0.1:1/batch".into(), "did not answer"),
        ("no URL".into(), "did not answer"),
    ];
    for (url, words) in cases {
        shop.program.run(None, &["audit", "--batch", &url]).failed(&[words]);
    }
    serving.abort();
}

fn refuse_taken_port(shop: &Shop, server: &Server) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dollar = shop.town.dollar.to_string();
    let serve = |address: &str| {
        let args = ["serve", "--token", &dollar, "--listen", address];
        shop.program.run(shop.cast.host.clone(), &args)
    };
    serve(&address).failed(&["is taken by another program", "--listen"]);
    // Another host on the same folder is refused too, and the first one goes on.
    serve("127.0.0.1:0").failed(&["is in use"]);
    assert!(!server.url.is_empty());
}

#[test]
fn a_command_that_acts_says_where_its_key_belongs() {
    run(async {
        let town = Town::shared().await;
        let program = Program::new(town.chain.url(), None, &[]);
        let (address, id) = (Address::repeat_byte(1).to_string(), word().to_string());
        let records = program.file("records.csv", &csv(&SPLIT.test)).display().to_string();
        let commands: [&[&str]; 8] = [
            &["deploy"],
            &["dataset", "contribute", "--records", &records],
            &["dataset", "withdraw", &id],
            &["dataset", "grant", "--to", &address],
            &["train", "--held-out", &records, "--test", &records],
            &["license", "buy", "1"],
            &["claim", "--host", "http://127.0.0.1:1", "--epoch", "1", "--vault", &address, "--token", &address],
            &["epoch", "attest", "--batch", "http://127.0.0.1:1/batch", "--deadline", "1"],
        ];
        for command in commands {
            program.run(None, command).failed(&["TRIBUTARY_KEY"]);
        }
    });
}

#[test]
fn a_key_that_is_none_is_refused_and_not_repeated() {
    run(async {
        let town = Town::shared().await;
        let folder = folder();
        for wrong in ["hunter2hunter2", "123456789012345678901234567890", "0x12", "1e5", "true", "[1, 2]"] {
            let output = tributary(folder.path())
                .args(["deploy", "--rpc", town.chain.url()])
                .env("TRIBUTARY_KEY", wrong)
                .output()
                .unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert!(err.contains("TRIBUTARY_KEY") && !err.contains(wrong), "{err}");
        }
    });
}

#[test]
fn settings_that_do_not_exist_are_refused_and_the_logs_filter_is_none() {
    run(async {
        let town = Town::shared().await;
        let folder = folder();
        let check = |name: &str, value: &str| {
            let mut command = tributary(folder.path());
            command.args(["deploy", "--check", "--rpc", town.chain.url()]).env(name, value).output().unwrap()
        };
        assert!(check("TRIBUTARY_LOG", "tributary=trace").status.success());
        assert!(check("TRIBUTARY_ADMIN_TOKEN", "007").status.success());
        let misspelt = check("TRIBUTARY_LISTNE", "127.0.0.1:1");
        assert_eq!(misspelt.status.code(), Some(1));
        assert!(String::from_utf8(misspelt.stderr).unwrap().to_lowercase().contains("listne"));

        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\n").unwrap();
        assert!(check("TRIBUTARY_CONFIG_FILE", file.to_str().unwrap()).status.success());
        std::fs::write(&file, "listne = \"127.0.0.1:1\"\n").unwrap();
        assert_eq!(check("TRIBUTARY_CONFIG_FILE", file.to_str().unwrap()).status.code(), Some(1));
    });
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_advice() {
    let folder = folder();
    let address = Address::repeat_byte(1).to_string();
    let wrong: [&[&str]; 7] = [
        &[],
        &["serve"],
        &["serve", "--token", "0x12"],
        &["serve", "--token", &address, "--listen", "nowhere"],
        &["license", "buy", "seven"],
        &["dataset", "grant", "--to", &address, "--days", "-1"],
        &["epoch", "post"],
    ];
    for args in wrong {
        let output = tributary(folder.path()).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--help"), "{args:?}");
    }
    let output = tributary(folder.path()).arg("--version").output().unwrap();
    assert!(output.status.success());
}

#[test]
fn a_node_that_is_not_there_is_said_to_be_missing() {
    let folder = folder();
    let output = tributary(folder.path()).args(["deploy", "--check", "--rpc", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("check the chain's URL"));
}

/// Whether a node answers at `url` after it was given the time to end.
async fn outlives(url: &str) -> bool {
    for _ in 0..100 {
        if Chain::connect(url).await.is_err() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}

#[test]
fn the_demo_holds_and_leaves_no_chain_behind() {
    run(async {
        let folder = folder();
        let output = tributary(folder.path()).arg("demo").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("MATCHES") && said.contains("Everything holds"), "{said}");
        assert!(!outlives(&after(&said, "(anvil) at ")).await);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it works in a folder of its own");
    });
}

#[test]
fn a_program_that_is_killed_leaves_no_chain_behind() {
    run(async {
        let folder = folder();
        let mut demo = tributary(folder.path()).arg("demo").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find(|line| line.contains("(anvil) at ")).unwrap();
        demo.kill().unwrap();
        demo.wait().unwrap();
        assert!(!outlives(&after(&line, "(anvil) at ")).await);
    });
}
