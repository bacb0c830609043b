//! The same digest from Rust and from the contracts, for random messages with many a zero and many a largest value.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::{Eip712Domain, SolCall, SolStruct, SolValue},
};
use rand::{Rng, SeedableRng, distr::StandardUniform, prelude::Distribution, rngs::StdRng};
use tributary_chain::{licenses, transact::ask};
use tributary_sdk::{
    authorization::{Purchase, Renewal},
    contracts::{
        AttributionLedger, ConsentRegistry, LicenseMarket,
        license::{AuthorizedPurchase, AuthorizedRenewal},
    },
    typed_data::{
        self, Contribution, InferenceRequest, PurchaseOrder, Receipt, RecordWithdrawal, RenewalOrder, RootStatement,
        SessionAuthorization,
    },
};

use crate::{
    javascript::{PRICE, offer},
    world::{World, on_chain},
};

const CASES: usize = 64;

struct Source(StdRng);

impl Source {
    /// Any bits, but every fourth time nothing or everything.
    fn bits<T>(&mut self, none: T, all: T) -> T
    where
        StandardUniform: Distribution<T>,
    {
        match self.0.random_range(0..8) {
            0 => none,
            1 => all,
            _ => self.0.random(),
        }
    }

    fn word(&mut self) -> B256 {
        B256::from(self.bits([0; 32], [0xff; 32]))
    }

    fn address(&mut self) -> Address {
        Address::from(self.bits([0; 20], [0xff; 20]))
    }

    fn u256(&mut self) -> U256 {
        self.word().into()
    }

    fn u128(&mut self) -> u128 {
        self.bits(0, u128::MAX)
    }

    fn u64(&mut self) -> u64 {
        self.bits(0, u64::MAX)
    }

    fn u32(&mut self) -> u32 {
        self.bits(0, u32::MAX)
    }
}

/// Compares the SDK's digests of random messages with what a contract's function of them returns.
fn compare<C: SolCall, M: SolStruct + SolValue>(
    seed: u64,
    at: impl Fn(&World) -> (Address, Eip712Domain),
    mut message: impl FnMut(&mut Source) -> M,
) {
    on_chain(async |world| {
        let mut source = Source(StdRng::seed_from_u64(seed));
        let (contract, domain) = at(world);
        for case in 0..CASES {
            let message = message(&mut source);
            let input = [C::SELECTOR.as_slice(), &message.abi_encode()].concat();
            let call = TransactionRequest::default().with_to(contract).with_input(input);
            let answer = world.chain.provider().call(call).await.unwrap();
            assert_eq!(B256::from_slice(&answer), message.eip712_signing_hash(&domain), "case {case}");
        }
    });
}

fn ledger(world: &World) -> (Address, Eip712Domain) {
    (world.chain.deployment().ledger, world.chain.ledger_domain())
}

fn registry(world: &World) -> (Address, Eip712Domain) {
    (world.chain.deployment().consent, world.chain.consent_domain())
}

fn market(world: &World) -> (Address, Eip712Domain) {
    let market = world.chain.deployment().market;
    (market, typed_data::domain(world.chain.id(), market))
}

#[test]
fn receipts_have_one_digest_in_rust_and_on_chain() {
    compare::<AttributionLedger::hashReceiptCall, _>(1, ledger, |source| Receipt {
        id: source.word(),
        assetId: source.u128(),
        version: source.u32(),
        weightsHash: source.word(),
        payer: source.address(),
        licenseId: source.u256(),
        paymentId: source.word(),
        requestHash: source.word(),
        requestSignatureHash: source.word(),
        inputCommitment: source.word(),
        outputHash: source.word(),
        sketchHash: source.word(),
        units: source.u64(),
        token: source.address(),
        amount: source.u128(),
        servedAt: source.u64(),
    });
}

#[test]
fn requests_have_one_digest_in_rust_and_on_chain() {
    compare::<AttributionLedger::hashRequestCall, _>(2, ledger, |source| InferenceRequest {
        id: source.word(),
        assetId: source.u128(),
        version: source.u32(),
        licenseId: source.u256(),
        inputCommitment: source.word(),
        units: source.u64(),
        issuedAt: source.u64(),
    });
}

#[test]
fn sessions_have_one_digest_in_rust_and_on_chain() {
    compare::<AttributionLedger::hashSessionCall, _>(3, ledger, |source| SessionAuthorization {
        licenseId: source.u256(),
        sessionKey: source.address(),
        expiresAt: source.u64(),
    });
}

#[test]
fn statements_have_one_digest_in_rust_and_on_chain() {
    compare::<AttributionLedger::hashStatementCall, _>(4, ledger, |source| RootStatement {
        vault: source.address(),
        token: source.address(),
        index: source.u64(),
        attempt: source.u32(),
        prevRoot: source.word(),
        root: source.word(),
        sum: source.u128(),
        leafCount: source.u64(),
        receiptsRoot: source.word(),
        receiptsCount: source.u64(),
        dataHash: source.word(),
        settlementPolicy: source.word(),
        periodEnd: source.u64(),
        deadline: source.u64(),
    });
}

#[test]
fn contributions_have_one_digest_in_rust_and_on_chain() {
    compare::<ConsentRegistry::hashContributionCall, _>(5, registry, |source| Contribution {
        datasetId: source.u128(),
        contributor: source.address(),
        commitment: source.word(),
        records: source.u64(),
        termsHash: source.word(),
        payPolicyHash: source.word(),
        nonce: source.u256(),
        deadline: source.u64(),
    });
}

#[test]
fn withdrawals_of_records_have_one_digest_in_rust_and_on_chain() {
    compare::<ConsentRegistry::hashRecordWithdrawalCall, _>(6, registry, |source| RecordWithdrawal {
        contributionId: source.word(),
        commitment: source.word(),
        deadline: source.u64(),
    });
}

#[test]
fn purchase_orders_have_one_digest_in_rust_and_on_chain() {
    compare::<LicenseMarket::hashPurchaseOrderCall, _>(7, market, |source| PurchaseOrder {
        buyer: source.address(),
        offerId: source.u256(),
        quantity: source.u64(),
        recipient: source.address(),
        maxPrice: source.u256(),
        nonce: source.u256(),
        deadline: source.u64(),
    });
}

#[test]
fn renewal_orders_have_one_digest_in_rust_and_on_chain() {
    compare::<LicenseMarket::hashRenewalOrderCall, _>(8, market, |source| RenewalOrder {
        payer: source.address(),
        licenseId: source.u256(),
        maxPrice: source.u256(),
        nonce: source.u256(),
        deadline: source.u64(),
    });
}

#[test]
fn authorizations_have_one_nonce_in_rust_and_on_chain() {
    on_chain(async |world| {
        let offer_id = offer(world).await;
        let (_, buyer) = world.account().await;
        world.mint(&buyer, PRICE).await;
        let license_id = licenses::buy(&buyer, offer_id).await.unwrap();
        let (sold, _) = licenses::offer_of(&world.chain, offer_id).await.unwrap();
        let (address, chain) = (world.chain.deployment().market, world.chain.id());
        let market = LicenseMarket::new(address, world.chain.provider());
        let mut source = Source(StdRng::seed_from_u64(9));
        for _ in 0..CASES {
            let salt = source.word();
            let purchase = Purchase {
                offer_id,
                terms_id: sold.termsId,
                recipient: source.address(),
                quantity: source.u64(),
                max_price: source.u256(),
            };
            let on_chain = AuthorizedPurchase {
                offerId: offer_id,
                quantity: purchase.quantity,
                recipient: purchase.recipient,
                maxPrice: purchase.max_price,
            };
            let nonce = ask("the license market", market.purchaseNonceOf(on_chain, salt)).await.unwrap();
            assert_eq!(nonce, purchase.nonce(chain, address, salt));

            let renewal = Renewal { license_id, offer_id, max_price: source.u256() };
            let on_chain = AuthorizedRenewal { licenseId: license_id, maxPrice: renewal.max_price };
            let nonce = ask("the license market", market.renewalNonceOf(on_chain, salt)).await.unwrap();
            assert_eq!(nonce, renewal.nonce(chain, address, salt));
        }
    });
}
