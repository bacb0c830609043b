//! A run folder that is not the release on chain: the host does not open, and says which file.

use std::{fs, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::sync::OnceCell;
use tributary_chain::assets;
use tributary_factory::FactoryError;
use tributary_sdk::{
    keccak256,
    release::{Manifest, ManifestError, ReleaseManifest},
};
use tributary_server::host::{Host, OpenError, Opening, Source};

use crate::{
    studio::Studio,
    town::{Town, folder, run},
};

static STUDIO: OnceCell<Arc<Studio>> = OnceCell::const_new();

async fn studio() -> Arc<Studio> {
    STUDIO.get_or_init(|| async { Arc::new(Studio::new(Town::shared().await).await) }).await.clone()
}

/// A copy of the release, and a data folder.
struct Copy {
    studio: Arc<Studio>,
    folder: TempDir,
}

impl Copy {
    async fn new() -> Self {
        let (studio, folder) = (studio().await, folder());
        let copy = Self { studio, folder };
        fs::create_dir(copy.release()).unwrap();
        for name in ["model.onnx", "table.bin", "manifest.json"] {
            fs::copy(copy.studio.community.data.release().join(name), copy.file(name)).unwrap();
        }
        copy
    }

    fn release(&self) -> PathBuf {
        self.folder.path().join("release")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.release().join(name)
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.file(name)).unwrap();
        edit(&mut bytes);
        fs::write(self.file(name), bytes).unwrap();
    }

    async fn open(&self) -> Result<(), OpenError> {
        let opening = self.studio.opening_in(&self.folder.path().join("data"), self.release());
        Host::open(&self.studio.town().chain, opening).await.map(|_| ())
    }
}

#[test]
fn the_release_as_it_was_published_opens() {
    run(async { Copy::new().await.open().await.unwrap() });
}

#[test]
fn weights_with_one_bit_changed_are_refused() {
    run(async {
        let copy = Copy::new().await;
        copy.edit("model.onnx", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
        let refused = copy.open().await;
        assert!(
            matches!(refused, Err(OpenError::Release(FactoryError::NotTheRelease { file: "model.onnx", .. }))),
            "{refused:?}"
        );
        assert!(refused.unwrap_err().to_string().contains("fetch the release again"));
    });
}

#[test]
fn a_truncated_or_empty_model_is_refused() {
    run(async {
        for kept in [0, 100] {
            let copy = Copy::new().await;
            copy.edit("model.onnx", |bytes| bytes.truncate(kept));
            let refused = copy.open().await;
            assert!(
                matches!(refused, Err(OpenError::Release(FactoryError::NotTheRelease { file: "model.onnx", .. }))),
                "{refused:?}"
            );
        }
    });
}

#[test]
fn a_table_or_manifest_that_was_changed_is_refused() {
    run(async {
        let copy = Copy::new().await;
        copy.edit("table.bin", |bytes| *bytes.last_mut().unwrap() ^= 1);
        let refused = copy.open().await;
        assert!(
            matches!(refused, Err(OpenError::Release(FactoryError::NotTheRelease { file: "table.bin", .. }))),
            "{refused:?}"
        );

        let copy = Copy::new().await;
        copy.edit("manifest.json", |bytes| bytes.push(b' '));
        let refused = copy.open().await;
        assert!(
            matches!(refused, Err(OpenError::Release(FactoryError::Manifest(ManifestError::Hash { .. })))),
            "{refused:?}"
        );
    });
}

#[test]
fn a_file_that_is_missing_is_named() {
    run(async {
        for name in ["model.onnx", "table.bin", "manifest.json"] {
            let copy = Copy::new().await;
            fs::remove_file(copy.file(name)).unwrap();
            let refused = copy.open().await.unwrap_err();
            assert!(matches!(refused, OpenError::Release(FactoryError::Io { .. })), "{refused:?}");
            assert!(refused.to_string().contains(name), "{refused}");
        }
    });
}

#[test]
fn a_damaged_model_is_refused_even_where_the_chain_commits_to_it() {
    run(async {
        // Its owner publishes, as a second version, weights that were cut short.
        let studio = Studio::new(Town::shared().await).await;
        let release = studio.community.data.release();
        let mut bytes = fs::read(release.join("model.onnx")).unwrap();
        bytes.truncate(bytes.len() / 2);
        let manifest = fs::read(release.join("manifest.json")).unwrap();
        let mut manifest = ReleaseManifest::from_bytes(&manifest).unwrap();
        manifest.weights_hash = keccak256(&bytes);
        let manifest_bytes = manifest.to_bytes().unwrap();
        fs::write(release.join("model.onnx"), &bytes).unwrap();
        fs::write(release.join("manifest.json"), &manifest_bytes).unwrap();
        let builder = studio.town().account(&studio.community.builder);
        let asset = studio.model.version.asset;
        let version =
            assets::publish(&builder, asset, manifest.weights_hash, keccak256(&manifest_bytes), "").await.unwrap();

        let mut opening = studio.opening();
        as_version(&mut opening, version);
        let refused = Host::open(&studio.town().chain, opening).await.map(|_| ()).unwrap_err();
        assert!(
            matches!(refused, OpenError::Release(FactoryError::Attribution(_)) | OpenError::Runtime(_)),
            "{refused:?}"
        );
    });
}

#[test]
fn only_the_models_host_serves_it() {
    run(async {
        let copy = Copy::new().await;
        let mut opening = copy.studio.opening_in(copy.folder.path(), copy.release());
        opening.key = copy.studio.community.builder.clone();
        let refused = Host::open(&copy.studio.town().chain, opening).await.map(|_| ());
        assert!(matches!(refused, Err(OpenError::NotTheHost { .. })), "{refused:?}");
    });
}

#[test]
fn a_version_that_was_never_published_is_not_served() {
    run(async {
        let copy = Copy::new().await;
        let mut opening = copy.studio.opening_in(copy.folder.path(), copy.release());
        as_version(&mut opening, 2);
        let refused = Host::open(&copy.studio.town().chain, opening).await.map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("has no version 2"), "{refused}");
    });
}

fn as_version(opening: &mut Opening, number: u32) {
    match &mut opening.shelves[0].source {
        Source::Run { version, .. } => version.version = number,
        Source::Store { .. } => panic!("studios open run folders"),
    }
}
