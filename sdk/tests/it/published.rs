//! Published files: one spelling, nothing unknown, nothing of another kind.

use serde_json::{Value, json};
use tributary_sdk::{
    B256,
    release::{Manifest, ManifestError, ReleaseManifest, SnapshotManifest},
    typed_data::InferenceRequest,
};

fn release() -> Value {
    json!({
        "format": "tributary-release/1",
        "weightsHash": B256::repeat_byte(1),
        "tableHash": B256::repeat_byte(2),
        "snapshot": { "asset": "0x00000000000000000000000000000007", "version": 1 },
        "snapshotRoot": B256::repeat_byte(3),
        "settlementPolicy": "epoch-signed/1",
        "input": "features",
        "inputWidth": 64,
        "classes": 10,
        "sketchWidth": 4,
        "records": 9,
        "recipe": {
            "hash": B256::repeat_byte(4),
            "start": "a new head on a base",
            "base": B256::repeat_byte(5),
            "adaptation": "head",
            "method": "converge",
            "damping": "0.006",
            "seed": 1,
            "iterations": 5,
        },
        "evaluation": { "accuracy": "0.9500", "records": 20 },
        "cardHash": B256::repeat_byte(6),
        "sketchReaders": "public",
    })
}

#[test]
fn a_manifest_reads_back_as_the_bytes_it_was_written_as() {
    let manifest: ReleaseManifest = serde_json::from_value(release()).unwrap();
    let bytes = manifest.to_bytes().unwrap();
    assert_eq!(ReleaseManifest::from_bytes(&bytes).unwrap(), manifest);
    let committed = tributary_sdk::keccak256(&bytes);
    assert_eq!(ReleaseManifest::from_committed(&bytes, committed).unwrap(), manifest);
    let other = ReleaseManifest::from_committed(&bytes[..bytes.len() - 1], committed);
    assert!(matches!(other, Err(ManifestError::Hash { .. })), "{other:?}");
}

#[test]
fn unknown_fields_other_formats_and_cut_files_are_refused() {
    let read = |value: &Value| ReleaseManifest::from_bytes(&serde_json::to_vec(value).unwrap());
    assert!(read(&release()).is_ok());

    let mut from_scratch = release();
    for left_out in ["base", "adaptation", "damping"] {
        from_scratch["recipe"].as_object_mut().unwrap().remove(left_out);
    }
    assert!(read(&from_scratch).is_ok());
    let mut without_card = release();
    without_card.as_object_mut().unwrap().remove("cardHash");
    assert!(matches!(read(&without_card), Err(ManifestError::Syntax(_))));

    let mut unknown = release();
    unknown["bonus"] = json!(1);
    assert!(matches!(read(&unknown), Err(ManifestError::Syntax(_))));

    let mut later = release();
    later["format"] = json!("tributary-release/2");
    assert!(matches!(read(&later), Err(ManifestError::Format { .. })));

    let bytes = serde_json::to_vec(&release()).unwrap();
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(matches!(ReleaseManifest::from_bytes(&bytes[..cut]), Err(ManifestError::Syntax(_))));
    }
    assert!(SnapshotManifest::from_bytes(&bytes).is_err(), "a release is no snapshot");
}

#[test]
fn amounts_and_ids_have_one_spelling() {
    let request = |asset: Value| {
        serde_json::from_value::<InferenceRequest>(json!({
            "id": B256::ZERO,
            "assetId": asset,
            "version": 1,
            "licenseId": "0x1",
            "inputCommitment": B256::ZERO,
            "units": 1,
            "issuedAt": 1,
        }))
    };
    assert_eq!(request(json!("340282366920938463463374607431768211455")).unwrap().assetId, u128::MAX);
    for wrong in
        [json!("340282366920938463463374607431768211456"), json!("-1"), json!("+1"), json!("01"), json!(""), json!(1)]
    {
        assert!(request(wrong.clone()).is_err(), "{wrong} was read as an amount");
    }
}
