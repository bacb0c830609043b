//! Golden vectors: one truth for the encodings that Solidity and Rust both compute.

mod settlement;

use alloy::{
    primitives::{Address, B256, U256, hex, keccak256},
    sol_types::{Eip712Domain, SolStruct},
};
use eyre::Result;
use serde_json::{Map, Value, json};
use tributary_sdk::{
    authorization::{Purchase, Renewal},
    deployment::{CREATE2_PROXY, Creation, Deployment, SALT},
    merkle::MerkleTree,
    sum_tree::{Leaf, SumTree},
    typed_data::{
        self, ClaimOrder, Contribution, InferenceRequest, Payout, PurchaseOrder, Receipt, RecordWithdrawal,
        RenewalOrder, RootStatement, SessionAuthorization, WithdrawOrder, domain,
    },
};

use crate::generated::Files;

/// Around every power of two a tree changes its shape.
const LEAF_COUNTS: [u64; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
const CHAIN_ID: u64 = 31_337;
const TYPED_CASES: u64 = 3;

/// All vector files.
pub(crate) fn all() -> Result<Files> {
    let files = [
        ("sum_tree.json", sum_tree()?),
        ("merkle_tree.json", merkle_tree()?),
        ("typed_data.json", typed_data()?),
        ("deployment.json", deployment()),
        ("settlement.json", settlement::settlement()?),
    ];
    files
        .into_iter()
        .map(|(name, value)| {
            let mut bytes = serde_json::to_vec_pretty(&value)?;
            bytes.push(b'\n');
            Ok((name.to_owned(), bytes))
        })
        .collect()
}

/// A repeatable source of test values.
struct Source(u64);

impl Source {
    fn word(&mut self) -> B256 {
        self.0 += 1;
        keccak256(self.0.to_be_bytes())
    }

    fn address(&mut self) -> Address {
        Address::from_word(self.word())
    }

    fn u256(&mut self) -> U256 {
        self.word().into()
    }

    fn u128(&mut self) -> u128 {
        u128::from_be_bytes(self.word()[16..].try_into().unwrap_or_default())
    }

    fn u64(&mut self) -> u64 {
        self.u128() as u64
    }

    fn u32(&mut self) -> u32 {
        self.u128() as u32
    }
}

fn cases(count: u64, mut case: impl FnMut(u64) -> Result<Value>) -> Result<Value> {
    let mut map = Map::from_iter([("count".to_owned(), json!(count))]);
    for index in 0..count {
        map.insert(format!("case{index}"), case(index)?);
    }
    Ok(map.into())
}

/// Where the suite of this build stands.
fn deployment() -> Value {
    let contracts = Deployment::creations();
    let contracts: Map<String, Value> = contracts
        .iter()
        .flat_map(Creation::contracts)
        .map(|(name, address)| (name.to_owned(), json!(address)))
        .collect();
    json!({ "create2Proxy": CREATE2_PROXY, "salt": SALT, "contracts": contracts })
}

fn sum_tree() -> Result<Value> {
    cases(LEAF_COUNTS.len() as u64, |case| {
        let mut source = Source(case << 32);
        let mut leaves: Vec<Leaf> = (0..LEAF_COUNTS[case as usize])
            .map(|_| Leaf { account: source.address(), cumulative: (source.u128() >> 8).max(1) })
            .collect();
        leaves.sort_by_key(|leaf| leaf.account);
        let tree = SumTree::new(leaves.clone())?;
        let proofs = (0..leaves.len() as u64).map(|index| tree.proof(index)).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({
            "accounts": leaves.iter().map(|leaf| leaf.account).collect::<Vec<_>>(),
            "amounts": leaves.iter().map(|leaf| leaf.cumulative.to_string()).collect::<Vec<_>>(),
            "root": tree.root().hash,
            "sum": tree.root().sum.to_string(),
            "proofs": proofs,
        }))
    })
}

fn merkle_tree() -> Result<Value> {
    cases(LEAF_COUNTS.len() as u64, |case| {
        let mut source = Source(case << 32);
        let data: Vec<B256> = (0..LEAF_COUNTS[case as usize]).map(|_| source.word()).collect();
        let tree = MerkleTree::new(&data)?;
        let proofs = (0..data.len() as u64)
            .map(|index| Ok(hex::encode_prefixed(tree.proof(index)?.concat())))
            .collect::<Result<Vec<_>>>()?;
        Ok(json!({ "leaves": data, "root": tree.root(), "proofs": proofs }))
    })
}

/// Field values are written in the struct's order under `fields`, all as text, beside type string, struct hash and digest.
fn typed_data() -> Result<Value> {
    let contract = Address::repeat_byte(0x42);
    let domain = domain(CHAIN_ID, contract);
    let mut source = Source(0);
    let mut messages = Map::new();
    macro_rules! message {
        ($name:ident { $($field:ident: $kind:ident),* $(,)? }) => {
            let value = cases(TYPED_CASES, |_| {
                let message = $name { $($field: source.$kind()),* };
                Ok(json!({
                    $(stringify!($field): message.$field.to_string(),)*
                    "structHash": message.eip712_hash_struct(),
                    "digest": message.eip712_signing_hash(&domain),
                }))
            })?;
            messages.insert(stringify!($name).to_owned(), value);
        };
    }
    message!(Receipt {
        id: word,
        assetId: u128,
        version: u32,
        weightsHash: word,
        payer: address,
        licenseId: u256,
        paymentId: word,
        requestHash: word,
        requestSignatureHash: word,
        inputCommitment: word,
        outputHash: word,
        sketchHash: word,
        units: u64,
        token: address,
        amount: u128,
        servedAt: u64,
    });
    message!(InferenceRequest {
        id: word,
        assetId: u128,
        version: u32,
        licenseId: u256,
        inputCommitment: word,
        units: u64,
        issuedAt: u64,
    });
    message!(SessionAuthorization { licenseId: u256, sessionKey: address, expiresAt: u64 });
    message!(RootStatement {
        vault: address,
        token: address,
        index: u64,
        attempt: u32,
        prevRoot: word,
        root: word,
        sum: u128,
        leafCount: u64,
        receiptsRoot: word,
        receiptsCount: u64,
        dataHash: word,
        settlementPolicy: word,
        periodEnd: u64,
        deadline: u64,
    });
    message!(Contribution {
        datasetId: u128,
        contributor: address,
        commitment: word,
        records: u64,
        termsHash: word,
        payPolicyHash: word,
        nonce: u256,
        deadline: u64,
    });
    message!(RecordWithdrawal { contributionId: word, commitment: word, deadline: u64 });
    message!(PurchaseOrder {
        buyer: address,
        offerId: u256,
        quantity: u64,
        recipient: address,
        maxPrice: u256,
        nonce: u256,
        deadline: u64,
    });
    message!(RenewalOrder { payer: address, licenseId: u256, maxPrice: u256, nonce: u256, deadline: u64 });
    messages.insert("ClaimOrder".into(), claim_orders(&mut source, &domain)?);
    messages.insert("WithdrawOrder".into(), withdraw_orders(&mut source, &domain)?);
    Ok(json!({
        "chainId": CHAIN_ID,
        "verifyingContract": contract,
        "domainSeparator": domain.separator(),
        "messages": messages,
        "authorizations": authorizations(&mut source, contract)?,
    }))
}

/// Of no payout, of one, of two.
fn claim_orders(source: &mut Source, domain: &Eip712Domain) -> Result<Value> {
    cases(TYPED_CASES, |case| {
        let mut payout = || Payout { vault: source.address(), token: source.address(), cumulative: source.u128() };
        let payouts: Vec<Payout> = (0..case).map(|_| payout()).collect();
        let (account, recipient) = (source.address(), source.address());
        let order = ClaimOrder { account, recipient, payouts, nonce: source.u256(), deadline: source.u64() };
        let payouts = order.payouts.iter().map(
            |payout| json!({ "vault": payout.vault, "token": payout.token, "cumulative": payout.cumulative.to_string() }),
        );
        Ok(json!({
            "account": order.account,
            "recipient": order.recipient,
            "items": case.to_string(),
            "payouts": payouts.collect::<Vec<_>>(),
            "nonce": order.nonce.to_string(),
            "deadline": order.deadline.to_string(),
            "structHash": order.eip712_hash_struct(),
            "digest": order.eip712_signing_hash(domain),
        }))
    })
}

/// Of no source, of one, of two.
fn withdraw_orders(source: &mut Source, domain: &Eip712Domain) -> Result<Value> {
    cases(TYPED_CASES, |case| {
        let mut place = || typed_data::Source { vault: source.address(), token: source.address() };
        let sources: Vec<typed_data::Source> = (0..case).map(|_| place()).collect();
        let (account, recipient) = (source.address(), source.address());
        let order = WithdrawOrder { account, recipient, sources, nonce: source.u256(), deadline: source.u64() };
        let sources = order.sources.iter().map(|place| json!({ "vault": place.vault, "token": place.token }));
        Ok(json!({
            "account": order.account,
            "recipient": order.recipient,
            "items": case.to_string(),
            "sources": sources.collect::<Vec<_>>(),
            "nonce": order.nonce.to_string(),
            "deadline": order.deadline.to_string(),
            "structHash": order.eip712_hash_struct(),
            "digest": order.eip712_signing_hash(domain),
        }))
    })
}

/// What binds ERC-3009 authorisations to one purchase or renewal on this chain.
fn authorizations(source: &mut Source, market: Address) -> Result<Value> {
    let purchases = cases(TYPED_CASES, |_| {
        let purchase = Purchase {
            offer_id: source.u256(),
            terms_id: source.word(),
            recipient: source.address(),
            quantity: source.u64(),
            max_price: source.u256(),
        };
        let salt = source.word();
        Ok(json!({
            "offerId": purchase.offer_id.to_string(),
            "termsId": purchase.terms_id,
            "recipient": purchase.recipient,
            "quantity": purchase.quantity.to_string(),
            "maxPrice": purchase.max_price.to_string(),
            "salt": salt,
            "nonce": purchase.nonce(CHAIN_ID, market, salt),
        }))
    })?;
    let renewals = cases(TYPED_CASES, |_| {
        let renewal = Renewal { license_id: source.u256(), offer_id: source.u256(), max_price: source.u256() };
        let salt = source.word();
        Ok(json!({
            "licenseId": renewal.license_id.to_string(),
            "offerId": renewal.offer_id.to_string(),
            "maxPrice": renewal.max_price.to_string(),
            "salt": salt,
            "nonce": renewal.nonce(CHAIN_ID, market, salt),
        }))
    })?;
    Ok(json!({ "Purchase": purchases, "Renewal": renewals }))
}
