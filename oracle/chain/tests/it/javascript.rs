//! The TypeScript SDK on a real chain: its example, compiled and run by node, does what it says.

use std::{
    path::Path,
    process::{Command, Output},
};

use alloy::primitives::{B256, U256, keccak256};
use tributary_chain::{
    assets, deploy,
    licenses::{self, rights},
};
use tributary_sdk::{
    api::ClaimProof,
    contracts::{
        license::{Offer, Terms},
        registry::{self, Policy},
    },
    deployment::Deployment,
    sum_tree::SumTree,
};

use crate::{
    payroll::{Payroll, leaves, registration, shares},
    world::{World, on_chain},
};

pub(crate) const PRICE: u128 = 5_000;
const CALLS: u64 = 77;

/// Compiles the SDK with its examples. `make js` does the same; here it is done again so that no old build is tested.
fn compile(root: &Path) {
    let built = Command::new(root.join("node_modules/.bin/tsc")).args(["-p", "sdk/js"]).current_dir(root).output();
    let built = built.unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stdout));
}

fn example(root: &Path, settings: &[(&str, String)]) -> Output {
    let mut node = Command::new("node");
    node.arg(root.join("sdk/js/dist/examples/buy-and-claim.js")).env_clear();
    node.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(settings.iter().cloned());
    node.output().unwrap()
}

/// An offer of licenses to a new model.
pub(crate) async fn offer(world: &World) -> U256 {
    let (_, owner) = world.account().await;
    let policy = Policy::none();
    let to_owner = shares(0, owner.address());
    let (asset, _) =
        assets::register(&owner, registration(registry::MODEL, owner.address(), to_owner, policy)).await.unwrap();
    let terms = Terms {
        rights: U256::from(rights::INFER),
        maxCalls: CALLS,
        callsPerMinute: 0,
        territory: B256::ZERO,
        fieldOfUse: B256::ZERO,
        obligations: U256::ZERO,
        legalTextHash: keccak256("the text"),
        transferable: false,
        delegable: false,
        revocable: false,
    };
    let terms = licenses::define_terms(&owner, terms).await.unwrap();
    let offer = Offer {
        assetId: asset.0,
        termsId: terms,
        token: world.dollar,
        price: PRICE,
        duration: 0,
        upfrontBps: 0,
        earnPeriod: 0,
        supply: 0,
    };
    licenses::offer(&owner, offer).await.unwrap()
}

#[test]
fn the_example_buys_a_license_reads_it_and_claims_a_payout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    compile(&root);
    on_chain(async |world| {
        let mut creations = Deployment::creations();
        creations.push(Deployment::demo_dollar());
        let (key, buyer) = world.account().await;
        let outcomes = deploy::deploy(&buyer, &creations).await.unwrap();
        let manifest = deploy::manifest(&world.chain, &creations, &outcomes).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("31337.json");
        std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();

        let offer = offer(world).await;
        world.mint(&buyer, PRICE).await;
        let (payroll, tree) = Payroll::active(world, leaves(5)).await;
        let settings = [
            ("TRIBUTARY_RPC", world.chain.url().to_owned()),
            ("TRIBUTARY_MANIFEST", path.display().to_string()),
            ("TRIBUTARY_KEY", key.to_bytes().to_string()),
            ("OFFER", offer.to_string()),
            ("VAULT", payroll.on.vault.to_string()),
            ("TOKEN", payroll.on.token.to_string()),
            ("PROOF", serde_json::to_string(&proof(&tree, 3)).unwrap()),
        ];
        let ran = example(&root, &settings);
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        let paid = tree.leaves()[3];
        assert!(said.contains(&format!("rights 1, {CALLS} calls")) && said.contains("may ask the model"), "{said}");
        assert!(said.to_lowercase().contains(&format!("{:?} was paid {}", paid.account, paid.cumulative)), "{said}");
        assert_eq!(world.balance(paid.account).await, paid.cumulative);
        assert_eq!(world.balance(buyer.address()).await, 0);
        let license = said.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert_eq!(
            licenses::license_at(&world.chain, license, alloy::eips::BlockId::latest()).await.unwrap().offerId,
            offer
        );

        // Once more: the license is bought, and the ledger's refusal arrives by name.
        world.mint(&buyer, PRICE).await;
        let again = example(&root, &settings);
        let complained = String::from_utf8(again.stderr).unwrap();
        assert_eq!(again.status.code(), Some(1), "{complained}");
        assert!(complained.contains("refused: Ledger_NothingToClaim"), "{complained}");
        assert_eq!(payroll.books().await.pool_paid, paid.cumulative);
    });
}

fn proof(tree: &SumTree, place: u64) -> ClaimProof {
    ClaimProof {
        index: 1,
        leaf: tree.leaves()[place as usize],
        leaf_index: place,
        leaf_count: tree.leaves().len() as u64,
        proof: tree.proof(place).unwrap(),
    }
}
