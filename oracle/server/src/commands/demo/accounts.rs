//! The last act's money: everybody takes what they are owed, and the books are added up.

use alloy::primitives::{Address, U256};
use eyre::{Result, ensure, eyre};
use tributary_chain::{Account, Chain, revenue, root, transact::ask};
use tributary_factory::Release;
use tributary_sdk::{client::Client, contracts::DemoDollar, money::format_units};
use tributary_server::steps::{self, DataFolder};

use super::cast::Cast;

const DECIMALS: u8 = 6;

/// Base units of the demo dollar, for people.
pub(super) fn money(amount: u128) -> String {
    format!("{} dUSD", format_units(amount, DECIMALS))
}

/// What somebody was owed and got.
pub(super) struct Person {
    name: String,
    records: Option<u32>,
    owed: u128,
    got: u128,
}

/// Contributors claim with proofs, everybody else withdraws their share-table credit.
pub(super) async fn pay_everybody(
    chain: &Chain,
    data: &DataFolder,
    cast: &Cast,
    client: &Client,
    on: revenue::Account,
    epoch: u64,
) -> Result<Vec<Person>> {
    let version = data.model()?.version;
    let on_chain = tributary_chain::assets::version(chain, version.asset, version.version).await?;
    let release = Release::open(&data.release(), on_chain.contentHash, on_chain.manifestHash)?;
    let mut people = Vec::new();
    for (place, key) in cast.contributors.iter().enumerate() {
        let row = release.table().rows().iter().find(|row| row.account == key.address());
        let mut person = Person {
            name: format!("contributor {} {}", place + 1, super::print::short(key.address())),
            records: Some(row.map_or(0, |row| row.records)),
            owed: 0,
            got: 0,
        };
        // No leaf, no claim: measured influence may be nil, and then the list says so.
        if let Ok(proof) = client.proof(version.asset, epoch, key.address()).await {
            person.owed = proof.leaf.cumulative;
            person.got = steps::payout::claim(&chain.account(key)?, client, on, epoch, key.address()).await?;
        }
        let held = balance_of(chain, on.token, key.address()).await?;
        ensure!(held == person.got, "{} claimed {} and holds {held}", person.name, person.got);
        people.push(person);
    }
    for (name, key) in [("builder", &cast.builder), ("host", &cast.host), ("curators", &cast.curators)] {
        people.push(withdraw(&chain.account(key)?, on, name, key.address()).await?);
    }
    people.push(pay_community(chain, data, cast, on).await?);
    Ok(people)
}

async fn withdraw(sender: &Account, on: revenue::Account, name: &str, of: Address) -> Result<Person> {
    let owed = root::credit(sender.chain(), on, of).await?;
    if owed > 0 {
        root::withdraw(sender, on, of).await?;
    }
    let got = balance_of(sender.chain(), on.token, of).await?;
    Ok(Person { name: name.to_owned(), records: None, owed, got })
}

/// The dataset's vault is an account of the model's; what it receives is divided by the dataset's own share table.
async fn pay_community(chain: &Chain, data: &DataFolder, cast: &Cast, on: revenue::Account) -> Result<Person> {
    let steward = chain.account(&cast.steward)?;
    let upstream = revenue::Account { vault: data.dataset()?.vault, ..on };
    let owed = root::credit(chain, on, upstream.vault).await?;
    root::withdraw(&steward, on, upstream.vault).await?;
    root::receive(&steward, upstream).await?;
    let mut person = withdraw(&steward, upstream, "community treasury", cast.treasury.address()).await?;
    person.owed = owed;
    Ok(person)
}

/// Prints the table and checks that nothing came from nowhere and nothing is lost.
pub(super) async fn balance(
    chain: &Chain,
    cast: &Cast,
    people: &[Person],
    on: revenue::Account,
    paid_in: u128,
) -> Result<()> {
    let books = root::books(chain, on).await?;
    let pool: u128 = people.iter().filter(|person| person.records.is_some()).map(|person| person.owed).sum();
    println!("  {:30} {:>7} {:>9} {:>18} {:>18}", "", "records", "of pool", "owed", "paid");
    for person in people {
        let records = person.records.map(|records| records.to_string()).unwrap_or_default();
        let share = match person.records {
            Some(_) if pool > 0 => format!("{:.2}%", person.owed as f64 * 100.0 / pool as f64),
            _ => String::new(),
        };
        println!("  {:30} {records:>7} {share:>9} {:>18} {:>18}", person.name, money(person.owed), money(person.got));
        ensure!(person.owed == person.got, "{} is owed {} and got {}", person.name, person.owed, person.got);
    }
    let paid: u128 = people.iter().map(|person| person.got).sum();
    let held = balance_of(chain, on.token, on.vault).await?;
    let dust = held.checked_sub(books.unearned).ok_or_else(|| eyre!("the vault holds less than the unearned fees"))?;
    println!("  {:30} {:>7} {:>9} {:>18} {:>18}", "paid out", "", "", "", money(paid));
    println!("  {:30} {:>7} {:>9} {:>18} {:>18}", "not earned yet (in the vault)", "", "", "", money(books.unearned));
    println!("  {:30} {:>7} {:>9} {:>18} {:>18}", "rounding dust (in the vault)", "", "", "", money(dust));
    println!("  {:30} {:>7} {:>9} {:>18} {:>18}", "total, as paid by the buyer", "", "", "", money(paid_in));
    ensure!(pool == books.pool_credited, "the pool got {} and owes {pool}", books.pool_credited);
    ensure!(books.pool_paid == pool, "the pool owes {pool} and paid {}", books.pool_paid);
    ensure!(paid + books.unearned + dust == paid_in, "money is missing");
    ensure!(dust < 6, "{dust} base units of dust are more than rounding leaves");
    ensure!(balance_of(chain, on.token, cast.buyer.address()).await? == 0, "the buyer paid another price");
    Ok(())
}

async fn balance_of(chain: &Chain, token: Address, account: Address) -> Result<u128> {
    let dollar = DemoDollar::new(token, chain.provider());
    let held: U256 = ask("the demo dollar", dollar.balanceOf(account)).await?;
    u128::try_from(held).map_err(|_| eyre!("{account} holds more than 2^128 base units"))
}
