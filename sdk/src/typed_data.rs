//! The EIP-712 messages that people, session keys, hosts and attestors sign.
//!
//! The contracts declare the same structs; golden vectors hold both to one encoding. Domain: name `Tributary`,
//! version `1`, the chain's id, and the contract that verifies the message.

use std::borrow::Cow;

use alloy::{
    primitives::{Address, B256, Signature, U256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol,
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Deserialize, Serialize};

sol! {
    /// The signed record of one served inference. Verified by the attribution ledger.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Receipt {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 id;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 assetId;
        uint32 version;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 weightsHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address payer;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        uint256 licenseId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 paymentId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 requestHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 requestSignatureHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 inputCommitment;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 outputHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 sketchHash;
        uint64 units;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address token;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 amount;
        uint64 servedAt;
    }

    /// What a session key signs for every request. Verified by the attribution ledger.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct InferenceRequest {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 id;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 assetId;
        uint32 version;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        uint256 licenseId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 inputCommitment;
        uint64 units;
        uint64 issuedAt;
    }

    /// By which the license's owner or user lets a session key ask on its behalf. Verified by the attribution ledger.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct SessionAuthorization {
        uint256 licenseId;
        address sessionKey;
        uint64 expiresAt;
    }

    /// What attestors sign to post a root. Verified by the attribution ledger.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct RootStatement {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address vault;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address token;
        uint64 index;
        uint32 attempt;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 prevRoot;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 root;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 sum;
        uint64 leafCount;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 receiptsRoot;
        uint64 receiptsCount;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 dataHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 settlementPolicy;
        uint64 periodEnd;
        uint64 deadline;
    }

    /// By which an attestor, or whoever asked, reads an input that a host keeps, or scores that it does not publish. No
    /// contract reads it. `authority` is whom it is sent to, so that nobody else who is given it can read with it.
    #[derive(Debug, PartialEq, Eq)]
    struct InputAccess {
        bytes32 receiptId;
        string authority;
        uint64 until;
    }

    /// By which an attestor reads the sketches that a batch leaves out. No contract reads it. `authority` is whom it is sent
    /// to: a batch can be had from anybody, and its name does not say who may have its sketches.
    #[derive(Debug, PartialEq, Eq)]
    struct SketchAccess {
        bytes32 dataHash;
        string authority;
        uint64 until;
    }

    /// What an attestor signs who does not attest. No contract reads it: it is for those who wait for a quorum.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct AttestationRefusal {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 dataHash;
        string reason;
    }

    /// A contributor's consent. Verified by the consent registry.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Contribution {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 datasetId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address contributor;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 commitment;
        uint64 records;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 termsHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 payPolicyHash;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        uint256 nonce;
        uint64 deadline;
    }

    /// What a dataset's host signs when it has all of a contribution. No contract reads it: it is the contributor's evidence.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct ContributionReceipt {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 contributionId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 datasetId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address contributor;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 commitment;
        uint64 records;
        uint64 receivedAt;
    }

    /// By which a contributor asks the curator to look at a record again. No contract reads it.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Appeal {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 contributionId;
        uint64 place;
        string reason;
    }

    /// By which a contributor says that a record of theirs is what a served answer should have been. No contract reads it.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Correction {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 contributionId;
        uint64 place;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 receiptId;
    }

    /// By which the payer of an answer tells a dataset's steward that it is wrong, without a record. No contract reads it.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Flag {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 receiptId;
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[serde(with = "crate::money::decimal")]
        uint128 datasetId;
        string reason;
    }

    /// By which a validator reads what a dataset's screening holds. No contract reads it. `authority` is whom it is sent to, as
    /// of [`SketchAccess`].
    #[derive(Debug, PartialEq, Eq)]
    struct HeldAccess {
        uint128 datasetId;
        string authority;
        uint64 until;
    }

    /// What a validator says of a held record. No contract reads it. It cannot be changed: whoever has seen a signature could
    /// otherwise bring back what was said before.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Review {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 contributionId;
        uint64 place;
        bool accept;
        string reason;
    }

    /// By which a contributor has the host delete those records that no snapshot may take: rejected or withdrawn ones. No
    /// contract reads it.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Erasure {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        bytes32 contributionId;
        uint64 until;
    }

    /// By which a contributor takes one record back. Verified by the consent registry.
    #[derive(Debug, PartialEq, Eq)]
    struct RecordWithdrawal {
        bytes32 contributionId;
        bytes32 commitment;
        uint64 deadline;
    }

    /// A purchase that somebody else sends, out of the buyer's allowance. Verified by the license market.
    #[derive(Debug, PartialEq, Eq)]
    struct PurchaseOrder {
        address buyer;
        uint256 offerId;
        uint64 quantity;
        address recipient;
        uint256 maxPrice;
        uint256 nonce;
        uint64 deadline;
    }

    /// A renewal that somebody else sends, out of the payer's allowance. Verified by the license market.
    #[derive(Debug, PartialEq, Eq)]
    struct RenewalOrder {
        address payer;
        uint256 licenseId;
        uint256 maxPrice;
        uint256 nonce;
        uint64 deadline;
    }

    /// One payout of a [`ClaimOrder`]: the leaf that is claimed.
    #[derive(Debug, PartialEq, Eq)]
    struct Payout {
        address vault;
        address token;
        uint128 cumulative;
    }

    /// Payouts of one account, all to one recipient. Verified by the attribution ledger.
    #[derive(Debug, PartialEq, Eq)]
    struct ClaimOrder {
        address account;
        address recipient;
        Payout[] payouts;
        uint256 nonce;
        uint64 deadline;
    }

    /// One place of a [`WithdrawOrder`].
    #[derive(Debug, PartialEq, Eq)]
    struct Source {
        address vault;
        address token;
    }

    /// Vault credits of one account, all to one recipient. Verified by the attribution ledger.
    #[derive(Debug, PartialEq, Eq)]
    struct WithdrawOrder {
        address account;
        address recipient;
        Source[] sources;
        uint256 nonce;
        uint64 deadline;
    }
}

/// The domain of messages verified by `contract` on chain `chain_id`.
pub fn domain(chain_id: u64, contract: Address) -> Eip712Domain {
    Eip712Domain {
        name: Some(Cow::Borrowed("Tributary")),
        version: Some(Cow::Borrowed("1")),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(contract),
        salt: None,
    }
}

/// A message could not be signed or does not carry a signature of the expected key.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The signer failed.
    #[error("signing failed: {0}")]
    Sign(#[from] alloy::signers::Error),
    /// Not 65 bytes, or not a point.
    #[error("malformed signature: expected 65 bytes r, s, v")]
    Malformed,
    /// Somebody else signed, or something else was signed.
    #[error("signed by {found}, expected {expected}")]
    WrongSigner {
        /// Who signed, if the message is the one given.
        found: Address,
        /// Who should have.
        expected: Address,
    },
}

/// Signs `message` under `domain`; 65 bytes `r ‖ s ‖ v`.
pub fn sign<M: SolStruct>(
    message: &M,
    domain: &Eip712Domain,
    key: &PrivateKeySigner,
) -> Result<Vec<u8>, SignatureError> {
    Ok(key.sign_hash_sync(&message.eip712_signing_hash(domain))?.as_bytes().to_vec())
}

/// Who signed `message` under `domain`.
pub fn recover<M: SolStruct>(message: &M, domain: &Eip712Domain, signature: &[u8]) -> Result<Address, SignatureError> {
    recover_digest(message.eip712_signing_hash(domain), signature)
}

/// Checks that `expected` signed `message` under `domain`.
pub fn verify<M: SolStruct>(
    message: &M,
    domain: &Eip712Domain,
    signature: &[u8],
    expected: Address,
) -> Result<(), SignatureError> {
    match recover(message, domain, signature)? {
        found if found == expected => Ok(()),
        found => Err(SignatureError::WrongSigner { found, expected }),
    }
}

/// Whose key signed a digest.
pub fn recover_digest(digest: B256, signature: &[u8]) -> Result<Address, SignatureError> {
    let signature = Signature::from_raw(signature).map_err(|_| SignatureError::Malformed)?;
    signature.recover_address_from_prehash(&digest).map_err(|_| SignatureError::Malformed)
}
