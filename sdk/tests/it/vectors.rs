//! `test/vectors/*.json`, made by `cargo xtask vectors` and read by Foundry's tests as well: one truth for both.

use std::{fmt::Debug, fs, path::Path, str::FromStr};

use alloy::sol_types::{Eip712Domain, SolStruct};
use serde_json::Value;
use tributary_sdk::{
    authorization::{Purchase, Renewal},
    Address, B256, Bytes,
    deployment::{CREATE2_PROXY, Creation, Deployment, SALT},
    merkle::{self, MerkleTree},
    sum_tree::{self, Leaf, SumTree},
    typed_data::{
        self, ClaimOrder, Contribution, InferenceRequest, Payout, PurchaseOrder, Receipt, RecordWithdrawal,
        RenewalOrder, RootStatement, SessionAuthorization, Source, WithdrawOrder,
    },
};

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test/vectors").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// `case0`, `case1`, … of a vector; a file without cases would test nothing.
fn cases(vector: &Value) -> Vec<&Value> {
    let count = vector["count"].as_u64().unwrap();
    assert!(count > 0);
    (0..count).map(|index| &vector[format!("case{index}")]).collect()
}

fn parse<T: FromStr<Err: Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn list<T: FromStr<Err: Debug>>(value: &Value) -> Vec<T> {
    value.as_array().unwrap().iter().map(parse).collect()
}

#[test]
fn sum_trees_have_the_vectors_roots_sums_and_proofs() {
    for case in cases(&read("sum_tree.json")) {
        let accounts: Vec<Address> = list(&case["accounts"]);
        let amounts: Vec<u128> = list(&case["amounts"]);
        let proofs: Vec<Bytes> = list(&case["proofs"]);
        assert!(accounts.len() == amounts.len() && accounts.len() == proofs.len());
        let leaves: Vec<Leaf> =
            accounts.into_iter().zip(amounts).map(|(account, cumulative)| Leaf { account, cumulative }).collect();
        let tree = SumTree::new(leaves.clone()).unwrap();
        assert_eq!(tree.root().hash, parse::<B256>(&case["root"]));
        assert_eq!(tree.root().sum, parse::<u128>(&case["sum"]));
        for (index, (leaf, proof)) in leaves.iter().zip(&proofs).enumerate() {
            let (index, count) = (index as u64, leaves.len() as u64);
            assert_eq!(&tree.proof(index).unwrap(), proof);
            assert_eq!(sum_tree::root_from_proof(*leaf, index, count, proof), Some(tree.root()));
        }
    }
}

#[test]
fn merkle_trees_have_the_vectors_roots_and_proofs() {
    for case in cases(&read("merkle_tree.json")) {
        let data: Vec<B256> = list(&case["leaves"]);
        let proofs: Vec<Bytes> = list(&case["proofs"]);
        assert_eq!(data.len(), proofs.len());
        let tree = MerkleTree::new(&data).unwrap();
        assert_eq!(tree.root(), parse::<B256>(&case["root"]));
        for (index, (leaf, packed)) in data.iter().zip(&proofs).enumerate() {
            let (index, count) = (index as u64, data.len() as u64);
            assert_eq!(tree.proof(index).unwrap().concat(), packed.to_vec());
            let siblings: Vec<B256> = packed.chunks_exact(32).map(B256::from_slice).collect();
            assert!(merkle::verify(tree.root(), *leaf, index, count, &siblings));
        }
    }
}

#[test]
fn the_suite_is_where_the_vector_says() {
    let vector = read("deployment.json");
    assert_eq!(parse::<Address>(&vector["create2Proxy"]), CREATE2_PROXY);
    assert_eq!(parse::<B256>(&vector["salt"]), SALT);
    let contracts = Deployment::creations().iter().flat_map(Creation::contracts).collect::<Vec<_>>();
    assert_eq!(vector["contracts"].as_object().unwrap().len(), contracts.len());
    for (name, address) in contracts {
        assert_eq!(parse::<Address>(&vector["contracts"][name]), address, "{name}");
    }
    assert_eq!(parse::<Address>(&vector["contracts"]["LicenseToken"]), Deployment::canonical().license_token);
}

#[test]
fn messages_have_the_vectors_struct_hashes_and_digests() {
    let vector = read("typed_data.json");
    let domain = typed_data::domain(vector["chainId"].as_u64().unwrap(), parse(&vector["verifyingContract"]));
    assert_eq!(domain.separator(), parse::<B256>(&vector["domainSeparator"]));
    let messages = &vector["messages"];
    macro_rules! check {
        ($name:ident { $($field:ident),* $(,)? }) => {
            for case in cases(&messages[stringify!($name)]) {
                let message = $name { $($field: parse(&case[stringify!($field)])),* };
                assert_hashes(&message, &domain, case);
            }
        };
    }
    check!(Receipt {
        id,
        assetId,
        version,
        weightsHash,
        payer,
        licenseId,
        paymentId,
        requestHash,
        requestSignatureHash,
        inputCommitment,
        outputHash,
        sketchHash,
        units,
        token,
        amount,
        servedAt,
    });
    check!(InferenceRequest { id, assetId, version, licenseId, inputCommitment, units, issuedAt });
    check!(SessionAuthorization { licenseId, sessionKey, expiresAt });
    check!(RootStatement {
        vault,
        token,
        index,
        attempt,
        prevRoot,
        root,
        sum,
        leafCount,
        receiptsRoot,
        receiptsCount,
        dataHash,
        settlementPolicy,
        periodEnd,
        deadline,
    });
    check!(Contribution { datasetId, contributor, commitment, records, termsHash, payPolicyHash, nonce, deadline });
    check!(RecordWithdrawal { contributionId, commitment, deadline });
    check!(PurchaseOrder { buyer, offerId, quantity, recipient, maxPrice, nonce, deadline });
    check!(RenewalOrder { payer, licenseId, maxPrice, nonce, deadline });
    for case in cases(&messages["ClaimOrder"]) {
        let payout = |payout: &Value| Payout {
            vault: parse(&payout["vault"]),
            token: parse(&payout["token"]),
            cumulative: parse(&payout["cumulative"]),
        };
        let order = ClaimOrder {
            account: parse(&case["account"]),
            recipient: parse(&case["recipient"]),
            payouts: case["payouts"].as_array().unwrap().iter().map(payout).collect(),
            nonce: parse(&case["nonce"]),
            deadline: parse(&case["deadline"]),
        };
        assert_hashes(&order, &domain, case);
    }
    for case in cases(&messages["WithdrawOrder"]) {
        let source =
            |source: &Value| Source { vault: parse(&source["vault"]), token: parse(&source["token"]) };
        let order = WithdrawOrder {
            account: parse(&case["account"]),
            recipient: parse(&case["recipient"]),
            sources: case["sources"].as_array().unwrap().iter().map(source).collect(),
            nonce: parse(&case["nonce"]),
            deadline: parse(&case["deadline"]),
        };
        assert_hashes(&order, &domain, case);
    }
    assert_eq!(messages.as_object().unwrap().len(), 10, "a message of the vectors is not checked here");
}

#[test]
fn authorizations_have_the_vectors_nonces() {
    let vector = read("typed_data.json");
    let (chain, market) = (vector["chainId"].as_u64().unwrap(), parse(&vector["verifyingContract"]));
    for case in cases(&vector["authorizations"]["Purchase"]) {
        let purchase = Purchase {
            offer_id: parse(&case["offerId"]),
            terms_id: parse(&case["termsId"]),
            recipient: parse(&case["recipient"]),
            quantity: parse(&case["quantity"]),
            max_price: parse(&case["maxPrice"]),
        };
        assert_eq!(purchase.nonce(chain, market, parse(&case["salt"])), parse::<B256>(&case["nonce"]));
    }
    for case in cases(&vector["authorizations"]["Renewal"]) {
        let renewal = Renewal {
            license_id: parse(&case["licenseId"]),
            offer_id: parse(&case["offerId"]),
            max_price: parse(&case["maxPrice"]),
        };
        assert_eq!(renewal.nonce(chain, market, parse(&case["salt"])), parse::<B256>(&case["nonce"]));
    }
}

fn assert_hashes<M: SolStruct + Debug>(message: &M, domain: &Eip712Domain, case: &Value) {
    assert_eq!(message.eip712_hash_struct(), parse::<B256>(&case["structHash"]), "{message:?}");
    assert_eq!(message.eip712_signing_hash(domain), parse::<B256>(&case["digest"]), "{message:?}");
}
