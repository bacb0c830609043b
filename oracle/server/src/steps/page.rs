//! A model as a page for buyers: what the chain says of it, and what its release says, as far as the chain bears it out.

use std::{fmt::Write, fs, io, path::Path};

use alloy::primitives::{Address, U256, keccak256};
use tributary_chain::{
    Chain, assets, licenses,
    lineage::{self, Lineage},
    root, tokens,
};
use tributary_factory::{
    ModelCard,
    card::{CARD_FILE, escaped, estimate},
    evaluate::Evaluation,
    release::MANIFEST_FILE,
};
use tributary_sdk::{
    AssetId,
    contracts::{
        ledger::Policy,
        license::{Offer, Terms},
        registry::{Asset, EDGE_KINDS, Edge, Version},
    },
    release::{Manifest, ReleaseManifest, SketchReaders},
};

use super::{StepError, license::rows, lineage::date};
use crate::{
    releases::ReleaseStore,
    terms::{
        title,
        words::{percent, time},
    },
};

/// What a release's folder says of a version of a model, checked against the chain.
struct Released {
    number: u32,
    version: Version,
    manifest: ReleaseManifest,
    card: ModelCard,
}

/// An offer that is open, and its text where it is kept.
struct OnSale {
    id: U256,
    offer: Offer,
    terms: Terms,
    token: tokens::Token,
    text: Option<String>,
}

/// The page of a model, in Markdown. `release` is the folder of one of its releases, which must be what the chain commits to;
/// the store has the texts of offers. The same chain and the same folders give the same bytes.
///
/// # Errors
/// [`StepError::OtherRelease`] and [`StepError::Manifest`] where the folder is not of a version of the model;
/// [`StepError::Missing`]; whatever the chain answers.
pub async fn page(chain: &Chain, store: &ReleaseStore, release: &Path, asset: AssetId) -> Result<String, StepError> {
    let lineage = lineage::of(chain, asset).await?;
    let released = released(&lineage, release, asset)?;
    let registered = assets::asset(chain, asset).await?;
    let policy = root::policy(chain, registered.vault).await?;
    let mut on_sale = Vec::new();
    for (id, offer, terms) in licenses::offers_of(chain, asset).await? {
        let token = tokens::about(chain, offer.token).await?;
        let text = store.text(terms.legalTextHash).await?;
        on_sale.push(OnSale { id, offer, terms, token, text });
    }
    let mut out = String::new();
    about(&mut out, chain, &lineage, &released);
    quality(&mut out, &released.card);
    made_of(&mut out, &lineage);
    let edges = lineage.members.get(&asset).map(|member| member.parents.as_slice()).unwrap_or_default();
    paid(&mut out, &registered, edges, &released);
    checked(&mut out, &policy, &released.manifest);
    sold(&mut out, asset, &on_sale);
    texts(&mut out, &on_sale);
    Ok(out)
}

/// The page of a model by the newest of its releases that a store has.
///
/// # Errors
/// [`StepError::NotKept`] where the store has none; as [`page`].
pub async fn of_newest(chain: &Chain, store: &ReleaseStore, asset: AssetId) -> Result<String, StepError> {
    for number in (1..=assets::asset(chain, asset).await?.versions).rev() {
        let published = assets::version(chain, asset, number).await?;
        if let Some(release) = store.find(published.manifestHash).await? {
            return page(chain, store, &release, asset).await;
        }
    }
    Err(StepError::NotKept { asset })
}

/// Which version of the model the folder has, and what it says of it.
fn released(lineage: &Lineage, folder: &Path, asset: AssetId) -> Result<Released, StepError> {
    let bytes = read(folder, MANIFEST_FILE)?;
    let hash = keccak256(&bytes);
    let versions = lineage.members.get(&asset).map(|member| member.versions.as_slice()).unwrap_or_default();
    // The newest, where a release was published more than once.
    let found = (1u32..).zip(versions).filter(|(_, version)| version.manifestHash == hash).last();
    let Some((number, version)) = found else {
        return Err(StepError::OtherRelease { folder: folder.to_owned(), asset });
    };
    let manifest = ReleaseManifest::from_committed(&bytes, version.manifestHash)?;
    let card = ModelCard::from_committed(&read(folder, CARD_FILE)?, manifest.card_hash)?;
    Ok(Released { number, version: version.clone(), manifest, card })
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, StepError> {
    let path = folder.join(name);
    fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StepError::Missing { path, command: "tributary train" },
        _ => StepError::File { path, source },
    })
}

fn about(out: &mut String, chain: &Chain, lineage: &Lineage, released: &Released) {
    let Released { number, version, manifest, card } = released;
    let subject = &card.subject;
    put(out, &format!("# {}\n", escaped(&subject.name)));
    if !subject.intended_use.purpose.is_empty() {
        put(out, &format!("{}\n", escaped(&subject.intended_use.purpose)));
    }
    let member = lineage.members.get(&lineage.asset);
    let newest = member.map_or(0, |member| member.versions.len());
    let which = match usize::try_from(*number) == Ok(newest) {
        true => format!("{number}, the newest"),
        false => format!("{number}; the newest is {newest}"),
    };
    let mut rows = vec![
        ("Model", format!("`{}` on the chain with the id {}", lineage.asset, chain.id())),
        ("Version", format!("{which}, of {}", date(version.publishedAt))),
        ("Weights", format!("`{}`", version.contentHash)),
        ("Manifest", format!("`{}`", version.manifestHash)),
    ];
    rows.extend(member.map(|member| ("Owner", format!("`{}`", member.owner))));
    rows.extend([
        ("Takes", format!("{} numbers a record", manifest.input_width)),
        ("Answers", format!("one of {} classes{}", manifest.classes, classes(&subject.classes))),
        ("Terms of its data", escaped(&subject.intended_use.terms)),
    ]);
    table(out, ["", ""], rows.into_iter().map(|(name, value)| [name.to_owned(), value]));
}

/// Names of classes, if they are few.
fn classes(names: &[String]) -> String {
    match names.len() {
        1..=20 => format!(": {}", names.iter().map(|name| escaped(name)).collect::<Vec<_>>().join(", ")),
        _ => String::new(),
    }
}

fn quality(out: &mut String, card: &ModelCard) {
    put(out, "## How good it is\n");
    put(out, "Numbers stand with their 95 % intervals in brackets; the model card has all of them.\n");
    let found = &card.findings;
    let records = found.evaluation.records();
    match &found.evaluation {
        Evaluation::Classification(measured) => {
            let right = found.evaluation.correct();
            put(
                out,
                &format!("- Accuracy: {}; {right} of {records} test records right.", estimate(&measured.accuracy)),
            );
        }
        Evaluation::Regression(measured) => {
            let error = estimate(&measured.mean_absolute_error);
            put(out, &format!("- Mean absolute error: {error}, on {records} test records."));
        }
    }
    match found.attribution.as_ref().and_then(|attribution| attribution.contributor_lds.as_ref()) {
        Some(lds) => put(
            out,
            &format!(
                "- Contributor LDS: {}; how well what contributors are paid by ranks what retraining on half of them shows.",
                estimate(lds)
            ),
        ),
        None => put(out, "- How well attribution ranks contributors was not measured by retraining."),
    }
    let data = &card.subject.data;
    put(out, &format!("- Trained on {} records of {} contributors.\n", data.records, data.contributors));
    if !card.limits.is_empty() {
        put(out, "What these numbers do not bear:\n");
        card.limits.iter().for_each(|limit| put(out, &format!("- {}", escaped(limit))));
        out.push('\n');
    }
}

fn made_of(out: &mut String, lineage: &Lineage) {
    put(out, "## What it was made of\n");
    put(out, &format!("```text\n{}```\n", super::lineage::text(lineage)));
}

fn paid(out: &mut String, asset: &Asset, edges: &[Edge], released: &Released) {
    put(out, "## Who is paid\n");
    put(
        out,
        &format!(
            "Of everything that the model earns. The contributors' part is divided answer by answer, by measured influence, \
             under the policy `{}`.\n",
            escaped(&released.manifest.settlement_policy)
        ),
    );
    let shares = &asset.shares;
    let account = |account: Address| format!("`{account}`");
    let mut rows = vec![("contributors, by influence".to_owned(), String::new(), shares.poolBps)];
    rows.extend(edges.iter().map(|edge| {
        let kind = EDGE_KINDS.get(usize::from(edge.kind)).copied().unwrap_or("other");
        (format!("{kind}, version {}", edge.parentVersion), format!("`{}`", AssetId(edge.parent)), edge.shareBps)
    }));
    rows.extend([
        ("builder".to_owned(), account(shares.payee), shares.payeeBps),
        ("host".to_owned(), account(shares.host), shares.hostBps),
        ("curators".to_owned(), account(shares.curators), shares.curatorsBps),
    ]);
    let rows = rows.into_iter().filter(|(.., share)| *share > 0);
    table(out, ["who", "account", "share"], rows.map(|(who, account, share)| [who, account, percent(share)]));
}

fn checked(out: &mut String, policy: &Policy, manifest: &ReleaseManifest) {
    put(out, "## Who checks\n");
    let signers = policy.signers.iter().map(|signer| format!("`{signer}`")).collect::<Vec<_>>();
    put(
        out,
        &format!(
            "- Attestors: {} of {} recompute every payout and sign it, before it is paid: {}.",
            policy.threshold,
            signers.len(),
            signers.join(", ")
        ),
    );
    put(out, &format!("- Window: {}, in which anybody may show that a posted payout is wrong.", window(policy.window)));
    let arbiter = match policy.arbiter {
        Address::ZERO => "nobody; only faults that can be proven on chain count.".to_owned(),
        arbiter => format!("`{arbiter}`, within {}.", window(policy.arbiterPeriod)),
    };
    put(out, &format!("- Who rules on challenges: {arbiter}"));
    let readers = match manifest.sketch_readers {
        SketchReaders::Public => {
            "anybody. With them everybody can recompute who is paid what, and learn something of what was asked."
        }
        SketchReaders::Attestors => "the attestors alone; who asked may read those of their own answers.",
    };
    put(out, &format!("- Who may read the sketches of answers: {readers}\n"));
}

fn window(seconds: u32) -> String {
    time(seconds.into())
}

fn sold(out: &mut String, asset: AssetId, on_sale: &[OnSale]) {
    put(out, "## Licenses\n");
    if on_sale.is_empty() {
        put(out, "None are on offer now.\n");
        return;
    }
    for sold in on_sale {
        let name = sold.text.as_deref().and_then(title).map(|name| format!(": {}", escaped(name)));
        put(out, &format!("### Offer {}{}\n", sold.id, name.unwrap_or_default()));
        let text = sold.text.as_deref();
        let rows = rows(&sold.offer, &sold.terms, &sold.token, text);
        let rows = rows.into_iter().map(|(name, words)| [label(name).to_owned(), escaped(&words)]);
        let at_hand = if text.is_some() { "below" } else { "ask the owner for it" };
        let text = ["Text".to_owned(), format!("{at_hand}; its keccak-256 on chain is `{}`", sold.terms.legalTextHash)];
        table(out, ["", ""], rows.chain([text]));
    }
    let kind = if on_sale.len() == 1 { "the offer" } else { "an offer" };
    put(
        out,
        &format!(
            "To buy, read {kind}'s text, compare it with the one whose keccak-256 is on chain (`tributary license show \
             OFFER`), and run `tributary license buy OFFER`, which pays the price and nothing else. Then `tributary ask \
             --license LICENSE --model {asset} --host URL --records FILE`.\n"
        ),
    );
}

/// What a row of an offer is about, on a page.
fn label(name: &'static str) -> &'static str {
    match name {
        "price" => "Price",
        "good" => "Good",
        "earned" => "Earned",
        "number" => "Number",
        "may" => "You may",
        "may not" => "You may not",
        "limits" => "Limits",
        "where" => "Territory",
        "field" => "Field of use",
        "owed" => "You owe",
        "license" => "The license",
        other => other,
    }
}

/// The texts, byte for byte.
fn texts(out: &mut String, on_sale: &[OnSale]) {
    let kept = on_sale.iter().filter_map(|sold| Some((sold, sold.text.as_deref()?))).collect::<Vec<_>>();
    if kept.is_empty() {
        return;
    }
    put(out, "## The texts\n");
    for (sold, text) in kept {
        put(out, &format!("Of offer {}; its keccak-256 is `{}`:\n", sold.id, sold.terms.legalTextHash));
        // Longer than whatever the text has of it.
        let mut fence = "~~~".to_owned();
        while text.contains(&fence) {
            fence.push('~');
        }
        put(out, &format!("{fence}markdown\n{text}{fence}\n"));
    }
}

fn table<const N: usize>(out: &mut String, heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    put(out, &format!("| {} |", heads.join(" | ")));
    put(out, &format!("|{}", "---|".repeat(N)));
    rows.into_iter().for_each(|row| put(out, &format!("| {} |", row.join(" | "))));
    out.push('\n');
}

fn put(out: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "{line}");
}
