//! Validators are paid from the curators' income, by accepted work.
//!
//! What is paid follows from the chain and the published screening reports: the charter's part of all that was withdrawn for
//! the curators, less what was paid before. A payment is written down before anything is sent, and each of its transactions
//! is before a node sees it; so whatever crashes, and however often it is asked for, nobody is paid twice and nothing is lost.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use serde::{Deserialize, Serialize};
use tributary_chain::{
    Chain, ChainError, assets, lineage, revenue, tokens,
    transfers::{self, SignedTransfer, Standing, Transfer},
};
use tributary_sdk::{
    api::{AcceptedReviews, ValidatorPayment, ValidatorShare, Validators},
    money::BasisPoints,
};
use tributary_settlement::{SettlementError, reviews};

use super::{DataFolder, StepError, dataset};
use crate::dataset::{Collection, DatasetRefusal};

const BOOK: &str = "validators.json";
const LOCK: &str = "validators.lock";
/// How often, and how many times, the chain is asked whether it has a transaction.
const AGAIN: Duration = Duration::from_millis(200);
const TRIES: u32 = 300;
/// After how many of these looks it is sent again.
const RESEND: u32 = 10;

/// Every payment with its transactions, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Book {
    payments: Vec<Written>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    payment: ValidatorPayment,
    /// Of each share.
    transfers: Vec<Sent>,
}

/// How far the transfer of a share is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sent {
    signed: Option<SignedTransfer>,
    is_final: bool,
}

/// What paying did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paid {
    /// This was divided and sent, after what earlier payments had left open.
    Now(ValidatorPayment),
    /// Nothing of the curators' income is the validators' that they have not been paid.
    NothingDue,
    /// There is no accepted work that was not paid in this token; what is due waits for it.
    NoWork {
        /// What is due, in base units.
        due: u128,
    },
}

/// Pays validators what is theirs of what the acting account has withdrawn as `curators` of models' vaults. Payments that were
/// broken off are brought to their end first.
///
/// # Errors
/// [`StepError::NotCurators`], [`StepError::SeveralRoles`], [`StepError::PaysForOther`], [`StepError::PaymentWaits`],
/// [`StepError::CannotPayValidators`], those of the chain, and [`DatasetRefusal::NoValidators`] where the charter has none.
pub async fn pay(
    chain: &Chain,
    data: &DataFolder,
    key: &PrivateKeySigner,
    token: Address,
    vaults: &[Address],
) -> Result<Paid, StepError> {
    let collection = Collection::open(chain, data)?;
    let share = collection.charter().validation.ok_or(DatasetRefusal::NoValidators)?.share_bps;
    let _alone = collection.locked(LOCK).await?;
    let mut book: Book = data.maybe(BOOK)?.unwrap_or_default();
    // A share that cannot be paid keeps nobody else from theirs; it is told at the end.
    let mut refused = None;
    for place in 0..book.payments.len() {
        refused = bring_to_end(chain, data, &mut book, place, key).await?.or(refused);
    }
    let payer = Payer { chain, data, collection: &collection, curators: key.address(), token };
    let known = payer.earlier(&book).flat_map(|payment| payment.vaults.iter().copied());
    let mut all: Vec<Address> = known.chain(vaults.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    for vault in vaults {
        payer.check_vault(*vault).await?;
    }
    let planned = match payer.plan(&book, all, share).await? {
        Ok(planned) => planned,
        Err(nothing) => return refused.map_or(Ok(nothing), Err),
    };
    let transfers = planned.shares.iter().map(|_| Sent::default()).collect();
    book.payments.push(Written { payment: planned, transfers });
    data.write(BOOK, &book)?;
    let newest = book.payments.len().saturating_sub(1);
    refused = bring_to_end(chain, data, &mut book, newest, key).await?.or(refused);
    if let Some(refused) = refused {
        return Err(refused);
    }
    let paid = book.payments.pop().map(|written| written.payment);
    Ok(paid.map_or(Paid::NothingDue, Paid::Now))
}

struct Payer<'a> {
    chain: &'a Chain,
    data: &'a DataFolder,
    collection: &'a Collection,
    curators: Address,
    token: Address,
}

impl Payer<'_> {
    /// Earlier payments out of the same income.
    fn earlier<'b>(&self, book: &'b Book) -> impl Iterator<Item = &'b ValidatorPayment> + use<'b> {
        let (curators, token) = (self.curators, self.token);
        let payments = book.payments.iter().map(|written| &written.payment);
        payments.filter(move |payment| (payment.curators, payment.token) == (curators, token))
    }

    /// That a vault is of a model made of the dataset, whose curators, and nobody else, are paid to the account: what it
    /// withdraws is then the curators' income.
    async fn check_vault(&self, vault: Address) -> Result<(), StepError> {
        let (dataset, account) = (self.collection.asset(), self.curators);
        let model = revenue::asset_of(self.chain, vault).await?;
        if !lineage::is_made_of(self.chain, model, dataset).await? {
            return Err(DatasetRefusal::OtherModel { model, dataset }.into());
        }
        let shares = assets::asset(self.chain, model).await?.shares;
        if shares.curators != account {
            return Err(StepError::NotCurators { vault, account, curators: shares.curators });
        }
        match [shares.payee, shares.host].contains(&account) {
            true => Err(StepError::SeveralRoles { vault, account }),
            false => Ok(()),
        }
    }

    async fn plan(
        &self,
        book: &Book,
        vaults: Vec<Address>,
        share: BasisPoints,
    ) -> Result<Result<ValidatorPayment, Paid>, StepError> {
        let (chain, curators, token) = (self.chain, self.curators, self.token);
        if token == tokens::NATIVE {
            return Err(StepError::PaidInCoin);
        }
        let block = transfers::finalized(chain).await?;
        let mut withdrawn = 0u128;
        for vault in &vaults {
            let on = revenue::Account { vault: *vault, token };
            withdrawn = add(withdrawn, revenue::withdrawn(chain, on, curators, block).await?)?;
        }
        let before = self.earlier(book).try_fold(0, |sum, payment| add(sum, payment.amount))?;
        let amount = reviews::due(withdrawn, share, before)?;
        if amount == 0 {
            return Ok(Err(Paid::NothingDue));
        }
        let (snapshot, accepted) = accepted(chain, self.data).await?;
        let work = reviews::unpaid(&accepted, self.earlier(book));
        if work.is_empty() {
            return Ok(Err(Paid::NoWork { due: amount }));
        }
        let held = tokens::balance(chain, token, curators).await?;
        if held < U256::from(amount) {
            return Err(StepError::CannotPayValidators { account: curators, held, token, amount });
        }
        let shares = reviews::divided(amount, &work)?;
        // A payment is written down for good: what the token refuses of it is found before.
        for ValidatorShare { validator: to, amount, .. } in shares.iter().filter(|share| share.amount > 0) {
            let transfer = Transfer { token, from: curators, to: *to, amount: *amount };
            transfers::check(chain, transfer).await?;
        }
        Ok(Ok(ValidatorPayment { token, curators, vaults, block, snapshot, withdrawn, amount, shares }))
    }
}

/// Signs, sends and follows what of a payment is not final. Why a share of it cannot be paid now, if one cannot: the others are.
async fn bring_to_end(
    chain: &Chain,
    data: &DataFolder,
    book: &mut Book,
    place: usize,
    key: &PrivateKeySigner,
) -> Result<Option<StepError>, StepError> {
    let mut refused = None;
    let open = |book: &Book, share: usize| -> Option<(Transfer, Option<SignedTransfer>)> {
        let Written { payment, transfers } = book.payments.get(place)?;
        let (ValidatorShare { validator: to, amount, .. }, sent) = (payment.shares.get(share)?, transfers.get(share)?);
        let transfer = Transfer { token: payment.token, from: payment.curators, to: *to, amount: *amount };
        (*amount > 0 && !sent.is_final).then(|| (transfer, sent.signed.clone()))
    };
    let shares = book.payments.get(place).map_or(0, |written| written.payment.shares.len());
    for share in 0..shares {
        let (mut tries, mut said) = (0u32, None);
        while let Some((transfer, signed)) = open(book, share) {
            let Some(signed) = signed else {
                if transfer.from != key.address() {
                    refused = Some(StepError::PaysForOther { curators: transfer.from, account: key.address() });
                    break;
                }
                let signed = match transfers::sign(chain, transfer, key).await {
                    Ok(signed) => signed,
                    Err(error @ ChainError::Reverted { .. }) => {
                        refused = Some(error.into());
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                note(data, book, place, share, |sent, share| {
                    (sent.signed, share.transaction) = (Some(signed), None);
                })?;
                continue;
            };
            match transfers::standing(chain, transfer, &signed).await? {
                Standing::Paid { is_final } => {
                    note(data, book, place, share, |sent, share| {
                        (sent.is_final, share.transaction) = (is_final, Some(signed.hash));
                    })?;
                    break;
                }
                // It was seen paid: a node that has forgotten its receipt is no reason to pay again.
                Standing::Never if was_paid(book, place, share) => {
                    refused = Some(StepError::PaymentUnclear { transaction: signed.hash });
                    break;
                }
                Standing::Never => {
                    note(data, book, place, share, |sent, share| {
                        (sent.signed, share.transaction) = (None, None);
                    })?;
                }
                Standing::Open if tries >= TRIES => {
                    let said = said.unwrap_or_else(|| "it has said nothing against it".to_owned());
                    return Err(StepError::PaymentWaits { transaction: signed.hash, said });
                }
                Standing::Open => {
                    // A node may refuse for the moment, or forget.
                    if tries.is_multiple_of(RESEND) {
                        said = transfers::send(chain, &signed).await?.or(said);
                    } else {
                        tokio::time::sleep(AGAIN).await;
                    }
                    tries = tries.saturating_add(1);
                }
            }
        }
    }
    Ok(refused)
}

/// Whether a share was ever seen on chain.
fn was_paid(book: &Book, place: usize, share: usize) -> bool {
    let share = book.payments.get(place).and_then(|written| written.payment.shares.get(share));
    share.is_some_and(|share| share.transaction.is_some())
}

/// Writes down what became of a share, if that is new.
fn note(
    data: &DataFolder,
    book: &mut Book,
    place: usize,
    share: usize,
    change: impl FnOnce(&mut Sent, &mut ValidatorShare),
) -> Result<(), StepError> {
    let Some(Written { payment, transfers }) = book.payments.get_mut(place) else { return Ok(()) };
    if let (Some(sent), Some(share)) = (transfers.get_mut(share), payment.shares.get_mut(share)) {
        change(sent, share);
    }
    data.write(BOOK, book)
}

/// What a dataset's host publishes: the accepted work, and every payment.
///
/// # Errors
/// Those of the chain and of the folder.
pub async fn validators(chain: &Chain, data: &DataFolder) -> Result<Validators, StepError> {
    let (_, accepted) = accepted(chain, data).await?;
    let book: Book = data.maybe(BOOK)?.unwrap_or_default();
    Ok(Validators {
        accepted: accepted.into_iter().map(|(validator, reviews)| AcceptedReviews { validator, reviews }).collect(),
        payments: book.payments.into_iter().map(|written| written.payment).collect(),
    })
}

/// The newest snapshot, and how many reviews of each validator all published screenings accept.
async fn accepted(chain: &Chain, data: &DataFolder) -> Result<(u32, BTreeMap<Address, u64>), StepError> {
    let newest = assets::asset(chain, data.dataset()?.asset).await?.versions;
    let mut accepted: BTreeMap<Address, u64> = BTreeMap::new();
    for version in 1..=newest {
        for (validator, reviews) in dataset::screening(chain, data, version).await?.validators {
            let count = accepted.entry(validator).or_default();
            *count = count.saturating_add(reviews);
        }
    }
    Ok((newest, accepted))
}

fn add(a: u128, b: u128) -> Result<u128, StepError> {
    Ok(a.checked_add(b).ok_or(SettlementError::Overflow { what: "a sum of payments" })?)
}
