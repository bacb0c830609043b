//! A lineage as text and as a picture. Everything in them is the chain's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use alloy::primitives::Address;
use time::OffsetDateTime;
use tributary_chain::lineage::{Lineage, Member};
use tributary_factory::svg::{Anchor, Ink, Picture};
use tributary_sdk::{
    AssetId,
    contracts::registry::{EDGE_KINDS, Edge, MODEL},
};

/// Contributors named one by one; the rest are counted.
const NAMED: usize = 12;

/// The lineage as a tree: the asset, and under it what it is made of. What was shown is not shown again.
#[must_use]
pub fn text(lineage: &Lineage) -> String {
    let mut text = String::new();
    let mut shown = BTreeSet::new();
    tree(lineage, lineage.asset, "", &mut shown, &mut text);
    text
}

fn tree(lineage: &Lineage, id: AssetId, before: &str, shown: &mut BTreeSet<AssetId>, text: &mut String) {
    let Some(member) = lineage.members.get(&id) else { return };
    let first = shown.insert(id);
    let (lines, parents) = match first {
        true => (about(id, member), member.parents.as_slice()),
        false => (vec![format!("{} {id}: above", kind(member))], [].as_slice()),
    };
    // Lines under a heading stand under the tree's branch, if there is one.
    let branch = if parents.is_empty() { "   " } else { "│  " };
    for (place, line) in lines.iter().enumerate() {
        let start = if place == 0 { String::new() } else { format!("{before}{branch}") };
        put(text, &format!("{start}{line}"));
    }
    for (place, edge) in parents.iter().enumerate() {
        let last = place + 1 == parents.len();
        let (corner, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let _ = write!(text, "{before}{corner}{}: ", edge_words(edge));
        tree(lineage, AssetId(edge.parent), &format!("{before}{below}"), shown, text);
    }
}

/// What is known of one asset, the first line its heading.
fn about(id: AssetId, member: &Member) -> Vec<String> {
    let mut lines = vec![format!("{} {id}", kind(member))];
    let owned = match member.owner == member.registrant {
        true => format!("registered and owned by {}", member.owner),
        false => format!("registered by {}, owned by {}", member.registrant, member.owner),
    };
    lines.push(owned);
    for (number, version) in (1..).zip(&member.versions) {
        let (what, when) = (content(member), date(version.publishedAt));
        lines.push(format!("version {number} of {when}: {what} {}", version.contentHash));
    }
    lines.extend(given(member));
    lines
}

fn given(member: &Member) -> Vec<String> {
    if member.contributors.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("contributed to by {} accounts:", member.contributors.len())];
    for (account, given) in member.contributors.iter().take(NAMED) {
        let consents = if given.standing == 1 { "consent stands" } else { "consents stand" };
        let withdrawn = match given.withdrawn {
            0 => String::new(),
            count => format!(", {count} withdrawn"),
        };
        lines.push(format!("  {account}: {} {consents}{withdrawn}", given.standing));
    }
    if let Some(more) = member.contributors.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines
}

fn kind(member: &Member) -> &'static str {
    if member.asset.kind == MODEL { "model" } else { "dataset" }
}

fn content(member: &Member) -> &'static str {
    if member.asset.kind == MODEL { "weights" } else { "records' root" }
}

fn edge_words(edge: &Edge) -> String {
    let kind = EDGE_KINDS.get(usize::from(edge.kind)).copied().unwrap_or("of a kind this program does not know");
    format!(
        "{kind}, version {}, {}.{:02} % of its revenue",
        edge.parentVersion,
        edge.shareBps / 100,
        edge.shareBps % 100
    )
}

/// A day, of a time in seconds since 1970.
pub(super) fn date(seconds: u64) -> String {
    let day = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    match day.map(OffsetDateTime::date) {
        Some(day) => format!("{}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day()),
        None => format!("second {seconds}"),
    }
}

fn put(text: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{line}");
}

const BOX: (f64, f64) = (250.0, 96.0);
const GAP: (f64, f64) = (60.0, 70.0);
const EDGE: f64 = 40.0;

/// The lineage as a picture: the asset at the top, in rows below it what it is made of, each as far down as the longest way to
/// it.
#[must_use]
pub fn svg(lineage: &Lineage) -> String {
    let mut rows: BTreeMap<usize, Vec<AssetId>> = BTreeMap::new();
    for (id, depth) in depths(lineage) {
        rows.entry(depth).or_default().push(id);
    }
    let widest = rows.values().map(Vec::len).max().unwrap_or(1) as f64;
    let width = 2.0 * EDGE + widest * BOX.0 + (widest - 1.0) * GAP.0;
    let height = 2.0 * EDGE + 20.0 + rows.len() as f64 * (BOX.1 + GAP.1) - GAP.1;
    let mut places = BTreeMap::new();
    for (below, row) in rows.values().enumerate() {
        let taken = row.len() as f64 * BOX.0 + (row.len() as f64 - 1.0) * GAP.0;
        for (place, id) in row.iter().enumerate() {
            let x = (width - taken) / 2.0 + place as f64 * (BOX.0 + GAP.0);
            places.insert(*id, (x, EDGE + 20.0 + below as f64 * (BOX.1 + GAP.1)));
        }
    }
    let mut picture = Picture::new(width, height, &format!("Lineage of {}", short(lineage.asset)));
    for (id, member) in &lineage.members {
        let Some((x, y)) = places.get(id).copied() else { continue };
        for edge in &member.parents {
            let Some((to_x, to_y)) = places.get(&AssetId(edge.parent)).copied() else { continue };
            let (from, to) = ((x + BOX.0 / 2.0, y + BOX.1), (to_x + BOX.0 / 2.0, to_y));
            picture.line(from, to, Ink::Axis);
            let kind = EDGE_KINDS.get(usize::from(edge.kind)).copied().unwrap_or("?");
            let words = format!("{kind} {}.{:02} %", edge.shareBps / 100, edge.shareBps % 100);
            // Nearer to the parent than to the child, so that the edges of one child do not write over each other.
            let at = |from: f64, to: f64| from + 0.7 * (to - from);
            picture.words(at(from.0, to.0) + 6.0, at(from.1, to.1), Anchor::Start, &words);
        }
    }
    for (id, (x, y)) in &places {
        let Some(member) = lineage.members.get(id) else { continue };
        let ink = if member.asset.kind == MODEL { Ink::One } else { Ink::Two };
        picture.shade((*x, *y), BOX, ink, 0.3);
        let mut lines = vec![
            format!("{} {}", kind(member), short(*id)),
            format!("owner {}", account(member.owner)),
            format!("{} version(s)", member.versions.len()),
        ];
        if let Some(version) = member.versions.last() {
            lines.push(format!("newest {}, {:.10}…", date(version.publishedAt), version.contentHash.to_string()));
        }
        if !member.contributors.is_empty() {
            lines.push(format!("{} contributors", member.contributors.len()));
        }
        for (number, line) in lines.iter().enumerate() {
            picture.words(x + 12.0, y + 20.0 + 17.0 * number as f64, Anchor::Start, line);
        }
    }
    picture.finish()
}

/// How long the longest way from the asset to each of its ancestors is. Edges name older versions, but assets may name each
/// other in turn: a way stops where it comes back.
fn depths(lineage: &Lineage) -> BTreeMap<AssetId, usize> {
    let mut depths = BTreeMap::from([(lineage.asset, 0)]);
    // Longest ways settle after as many rounds as there are assets, or never on a circle.
    for _ in 0..lineage.members.len() {
        let before = depths.clone();
        for (id, depth) in &before {
            for edge in lineage.members.get(id).map(|member| member.parents.as_slice()).unwrap_or_default() {
                let parent = AssetId(edge.parent);
                if parent != lineage.asset {
                    let deepest = depths.entry(parent).or_insert(depth + 1);
                    *deepest = (*deepest).max(depth + 1).min(lineage.members.len());
                }
            }
        }
        if depths == before {
            break;
        }
    }
    depths
}

fn short(id: AssetId) -> String {
    let text = id.to_string();
    format!("{:.10}…", text)
}

fn account(address: Address) -> String {
    let text = address.to_string();
    format!("{:.8}…", text)
}
