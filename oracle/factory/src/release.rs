//! Releases: what a model's version publishes, as files in one run folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tributary_attribution::{AttributedModel, Attribution, targets::Target};
use tributary_dataset::{PermittedSnapshot, durable};
use tributary_sdk::{
    B256, keccak256,
    release::{self, Manifest, Recipe, ReleaseManifest, SketchReaders},
    table::ContributorTable,
};

use crate::{
    FactoryError, ModelCard, Trained, TrainingRecipe,
    card::{CARD_FILE, CONFUSION_FILE, FRONTIER_FILE, MARKDOWN_FILE, RELIABILITY_FILE, RESIDUALS_FILE},
    model::FEATURES,
    train::{CURVE_FILE, CURVE_PICTURE, RECIPE_FILE},
};

/// Name of the model in a run folder.
pub const MODEL_FILE: &str = "model.onnx";
/// Name of the contributor table in a run folder.
pub const TABLE_FILE: &str = "table.bin";
/// Name of the manifest in a run folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// What may lie beside a release, for people and programs to read.
const PAPERS: [&str; 9] = [
    RECIPE_FILE,
    CURVE_FILE,
    CURVE_PICTURE,
    CARD_FILE,
    MARKDOWN_FILE,
    CONFUSION_FILE,
    RELIABILITY_FILE,
    RESIDUALS_FILE,
    FRONTIER_FILE,
];

/// Every file that a release may have, the manifest last: where that is, the rest is there.
pub fn file_names() -> impl Iterator<Item = &'static str> {
    [MODEL_FILE, TABLE_FILE].into_iter().chain(PAPERS).chain([MANIFEST_FILE])
}

/// A release: model, contributor table and the manifest that binds them.
#[derive(Clone, Debug)]
pub struct Release {
    onnx: Vec<u8>,
    table: ContributorTable,
    manifest: ReleaseManifest,
    manifest_bytes: Vec<u8>,
    /// What people and programs read beside it, by file name: recipe, curve, card and its pictures.
    papers: Vec<(String, Vec<u8>)>,
}

/// A release on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFiles {
    /// The ONNX file.
    pub model: PathBuf,
    /// The contributor table.
    pub table: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
    /// keccak-256 of the ONNX file: the version's content hash.
    pub weights_hash: B256,
    /// keccak-256 of the table.
    pub table_hash: B256,
    /// keccak-256 of the manifest: the version's manifest hash.
    pub manifest_hash: B256,
}

impl ReleaseFiles {
    /// The files of a run folder, hashed as they are.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::Manifest`].
    pub fn of(folder: &Path) -> Result<Self, FactoryError> {
        let hash = |name: &str| {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok((path, keccak256(bytes))),
                Err(source) => Err(FactoryError::Io { path, source }),
            }
        };
        let (model, weights_hash) = hash(MODEL_FILE)?;
        let (table, table_hash) = hash(TABLE_FILE)?;
        let (manifest, manifest_hash) = hash(MANIFEST_FILE)?;
        Ok(Self { model, table, manifest, weights_hash, table_hash, manifest_hash })
    }
}

/// What a release promises to those it pays and to those it answers.
#[derive(Clone, Copy, Debug)]
pub struct Promises<'p> {
    /// Name of the settlement policy that divides its pool.
    pub settlement_policy: &'p str,
    /// Who may read the sketches of its answers.
    pub sketch_readers: SketchReaders,
}

impl Release {
    /// Puts together what [`crate::train()`], [`crate::attribute`] and [`crate::assess()`] made of the same data.
    ///
    /// # Errors
    /// [`FactoryError::NotTrainable`] for a model that learnt numbers, [`FactoryError::Inconsistent`],
    /// [`FactoryError::Manifest`], [`FactoryError::Attribution`].
    pub fn new(
        data: &PermittedSnapshot<'_>,
        recipe: &TrainingRecipe,
        trained: &Trained,
        attribution: &Attribution,
        card: &ModelCard,
        promises: Promises<'_>,
    ) -> Result<Self, FactoryError> {
        let evaluation = &card.findings.evaluation;
        if trained.target == Target::Regression {
            return Err(FactoryError::NotTrainable(
                "hosts serve classes alone: a model of numbers is not released yet",
            ));
        }
        let (recipe_text, card_text) = (recipe.published().to_toml()?, card.json()?);
        let onnx = attribution.onnx();
        let table = attribution.table().clone();
        let schema = data.snapshot().schema();
        let manifest = ReleaseManifest {
            format: ReleaseManifest::FORMAT.to_owned(),
            weights_hash: keccak256(&onnx),
            table_hash: table.hash(),
            snapshot: data.permission().snapshot,
            snapshot_root: data.permission().snapshot_root,
            settlement_policy: promises.settlement_policy.to_owned(),
            input: FEATURES.to_owned(),
            input_width: schema.features.fields() as u32,
            classes: schema.classes().unwrap_or_default() as u32,
            sketch_width: table.k() as u32,
            records: trained.used.len() as u32,
            recipe: Recipe {
                hash: keccak256(&recipe_text),
                start: recipe.start.words(),
                base: trained.base,
                adaptation: recipe.start.adaptation().map(str::to_owned),
                method: recipe.method.name().to_owned(),
                damping: trained.damping.map(|damping| damping.to_string()),
                seed: recipe.seed,
                iterations: trained.iterations as u32,
            },
            evaluation: release::Evaluation {
                accuracy: format!("{:.4}", evaluation.accuracy()),
                records: evaluation.records(),
            },
            card_hash: keccak256(&card_text),
            sketch_readers: promises.sketch_readers,
        };
        let manifest_bytes = manifest.to_bytes()?;
        let named = |name: &str, text: String| (name.to_owned(), text.into_bytes());
        let mut papers = vec![
            named(RECIPE_FILE, recipe_text),
            named(CURVE_FILE, trained.curve.csv()),
            named(CURVE_PICTURE, trained.curve.svg()),
            named(CARD_FILE, card_text),
            named(MARKDOWN_FILE, card.markdown()),
        ];
        papers.extend(card.pictures().into_iter().map(|(name, picture)| named(name, picture)));
        let release = Self { onnx, table, manifest, manifest_bytes, papers };
        release.check()?;
        Ok(release)
    }

    /// Writes the folder, the manifest last; an earlier release's goes first, so that a folder with a manifest is whole. A
    /// release that was opened writes what was checked: all but the papers.
    ///
    /// # Errors
    /// [`FactoryError::Io`].
    pub fn write(&self, folder: &Path) -> Result<ReleaseFiles, FactoryError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FactoryError::Io { path, source }
        };
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            durable::write(&path, bytes).map_err(io(&path))?;
            Ok::<_, FactoryError>(path)
        };
        for name in std::iter::once(MANIFEST_FILE).chain(PAPERS) {
            let path = folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&path)(error)),
                _ => {}
            }
        }
        for (name, paper) in &self.papers {
            write(name, paper)?;
        }
        Ok(ReleaseFiles {
            model: write(MODEL_FILE, &self.onnx)?,
            table: write(TABLE_FILE, &self.table.encode())?,
            manifest: write(MANIFEST_FILE, &self.manifest_bytes)?,
            weights_hash: self.manifest.weights_hash,
            table_hash: self.manifest.table_hash,
            manifest_hash: self.manifest_hash(),
        })
    }

    /// Reads a run folder as the release that the chain commits to by these two hashes; nothing else is accepted.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::Manifest`], [`FactoryError::NotTheRelease`], [`FactoryError::Table`],
    /// [`FactoryError::Attribution`] for a corrupt model, [`FactoryError::Inconsistent`].
    pub fn open(folder: &Path, weights_hash: B256, manifest_hash: B256) -> Result<Self, FactoryError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| FactoryError::Io { path, source })
        };
        let manifest_bytes = read(MANIFEST_FILE)?;
        let manifest = ReleaseManifest::from_committed(&manifest_bytes, manifest_hash)?;
        let onnx = read(MODEL_FILE)?;
        expect_hash(MODEL_FILE, &onnx, weights_hash)?;
        let table = read(TABLE_FILE)?;
        expect_hash(TABLE_FILE, &table, manifest.table_hash)?;
        let release = Self { onnx, table: ContributorTable::decode(&table)?, manifest, manifest_bytes, papers: vec![] };
        release.check()?;
        Ok(release)
    }

    /// Checks the recipe and the card that lie beside the release against its manifest.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::NotTheRelease`].
    pub fn check_papers(&self, folder: &Path) -> Result<(), FactoryError> {
        for (name, expected) in [(RECIPE_FILE, self.manifest.recipe.hash), (CARD_FILE, self.manifest.card_hash)] {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(|source| FactoryError::Io { path, source })?;
            expect_hash(name, &bytes, expected)?;
        }
        Ok(())
    }

    /// The ONNX file's bytes.
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// The contributor table.
    pub fn table(&self) -> &ContributorTable {
        &self.table
    }

    /// The manifest.
    pub fn manifest(&self) -> &ReleaseManifest {
        &self.manifest
    }

    /// The manifest as published.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// keccak-256 of the published manifest.
    pub fn manifest_hash(&self) -> B256 {
        keccak256(&self.manifest_bytes)
    }

    /// That model, table and manifest belong together.
    fn check(&self) -> Result<(), FactoryError> {
        expect_hash(MODEL_FILE, &self.onnx, self.manifest.weights_hash)?;
        let model = AttributedModel::read(&self.onnx)?;
        let say = |what, found: usize, stated: u32| match usize::try_from(stated) == Ok(found) {
            true => Ok(()),
            false => Err(FactoryError::Inconsistent(format!("its manifest says {stated} {what}, its files {found}"))),
        };
        say("features", model.input_width, self.manifest.input_width)?;
        say("classes", model.classes, self.manifest.classes)?;
        say("numbers a sketch", model.sketch_width, self.manifest.sketch_width)?;
        say("numbers a row", self.table.k(), self.manifest.sketch_width)?;
        let records = self.table.rows().iter().map(|row| row.records as usize).sum();
        say("records", records, self.manifest.records)?;
        match self.manifest.input == model.input {
            true => Ok(()),
            false => Err(FactoryError::Inconsistent(format!("its manifest names the input `{}`", self.manifest.input))),
        }
    }
}

fn expect_hash(file: &'static str, bytes: &[u8], expected: B256) -> Result<(), FactoryError> {
    match keccak256(bytes) {
        found if found == expected => Ok(()),
        found => Err(FactoryError::NotTheRelease { file, found, expected }),
    }
}
