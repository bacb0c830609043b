//! Training needs a grant and everybody's standing consent.

use std::fs;

use tributary_chain::consent;
use tributary_dataset::{DatasetError, Schema, field::Field, schema::Features};
use tributary_factory::TrainingRecipe;
use tributary_runtime::OnnxRuntime;
use tributary_server::{
    dataset::Collection,
    steps::{self, StepError, dataset::Giver, model::Training},
};

use crate::{
    program::Program,
    studio::{Community, SPLIT, csv},
    town::{DAY, Town, run},
};

#[test]
fn nobody_trains_without_a_grant_or_after_it_has_ended() {
    run(async {
        let community = Community::new(Town::start().await).await;
        let builder = community.builder.address();
        let refused = |result: Result<_, StepError>| match result {
            Err(StepError::Dataset(DatasetError::NoGrant { grantee } | DatasetError::GrantExpired { grantee, .. })) => {
                assert_eq!(grantee, builder);
            }
            Err(other) => panic!("{other}"),
            Ok(()) => panic!("trained without a grant"),
        };
        refused(community.train().await.map(|_| ()));
        assert!(!community.data.release().exists(), "nothing was written");
        community.grant(DAY).await;
        community.train().await.unwrap();
        community.town.advance(DAY).await;
        refused(community.train().await.map(|_| ()));
    });
}

#[test]
fn a_withdrawn_contribution_stops_training_until_a_snapshot_leaves_it_out() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let trained = community.train().await.unwrap();
        let (leaver, consent) = (&community.contributors[1], community.consents[1]);
        assert!(trained.table.rows().iter().any(|row| row.account == leaver.address()));
        consent::withdraw(&community.town.account(leaver), consent).await.unwrap();

        let refused = community.train().await.map(|_| ()).unwrap_err();
        assert!(
            matches!(
                refused,
                StepError::Dataset(DatasetError::Withdrawn { contribution, contributor })
                    if contribution == consent && contributor == leaver.address()
            ),
            "{refused}"
        );

        let manifest = community.publish_snapshot().await.unwrap().manifest;
        assert!(manifest.contributions.iter().all(|contribution| contribution.id != consent));
        let without = community.train().await.unwrap();
        assert!(without.table.rows().iter().all(|row| row.account != leaver.address()));
    });
}

#[test]
fn what_is_contributed_after_a_snapshot_waits_for_the_next() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let late = community.town.resident().await;
        // Somebody else's test images, so that they are no duplicates of what was given.
        let giver = Giver { key: late.clone(), records: SPLIT.test.clone() };
        community.give(vec![giver]).await.unwrap();
        let first = community.train().await.unwrap();
        assert!(first.table.rows().iter().all(|row| row.account != late.address()));
        community.snapshot().await;
        let second = community.train().await.unwrap();
        assert!(second.table.rows().iter().any(|row| row.account == late.address()));
    });
}

#[test]
fn other_held_out_records_than_those_committed_to_are_refused() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let (chosen, recipe) = (&SPLIT.held_out[1..], TrainingRecipe::default());
        let (chain, builder) = (&community.town.chain, community.builder.address());
        let runtime = OnnxRuntime::load(None).unwrap();
        let training = Training::new(builder, &recipe, chosen, &SPLIT.test);
        let trained = steps::model::build(&runtime, chain, &community.data, training, |_| ()).await;
        assert!(matches!(trained, Err(StepError::WrongHeldOut { .. })));
        let steward = community.town.account(&community.steward);
        let snapshot = steps::dataset::snapshot(&steward, &community.data, chosen).await;
        assert!(matches!(snapshot, Err(StepError::WrongHeldOut { .. })));
    });
}

#[test]
fn a_contribution_against_the_schema_is_refused_before_anything_is_sent() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        let giver = community.town.resident().await;
        // A record of another schema, of as many bytes.
        let mut other = Schema::digits();
        other.features = Features::Image { channels: 1, height: 8, width: 8, largest: 17 };
        let mut fields = vec![Field::Whole(0); 65];
        fields[5] = Field::Whole(17);
        let mut records = SPLIT.test[..3].to_vec();
        records[1] = other.record(&fields).unwrap();
        let before = community.town.chain.head().await.unwrap().number;
        let giver = Giver { key: giver, records };
        let refused = community.give(vec![giver]).await.unwrap_err().to_string();
        assert_eq!(refused, "record 2: `value5`: 17 is not from 0 to 16");
        assert!(community.town.chain.head().await.unwrap().number >= before);
        let collection = Collection::open(&community.town.chain, &community.data).unwrap();
        assert_eq!(collection.kept_ids().unwrap().len(), community.contributors.len());
    });
}

#[test]
fn a_trainer_that_is_killed_leaves_the_release_that_it_would_have_left() {
    run(async {
        let community = Community::new(Town::shared().await).await;
        community.grant(365 * DAY).await;
        let program = Program::new(community.town.chain.url(), None, &[&community.builder]);
        program.file("held-out.csv", &csv(&SPLIT.held_out));
        program.file("test.csv", &csv(&SPLIT.test));
        let recipe = "validation = 0.1\n[start.scratch.perceptron]\nhidden = [32]\n[method.descend]\nepochs = 60\n";
        program.file("recipe.toml", recipe);
        let line = format!(
            "train --data {} --recipe recipe.toml --held-out held-out.csv --test test.csv --state-every 0",
            community.folder.path().display()
        );
        let train: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (mut killed, mut milliseconds) = (0, 200);
        while program.killed_after(&community.builder, &train, milliseconds) {
            killed += 1;
            milliseconds += 150;
        }
        assert!(killed > 0, "it was never killed");
        let left = || {
            ["model.onnx", "table.bin", "card.json", "curve.csv", "manifest.json"]
                .map(|name| fs::read(community.data.release().join(name)).unwrap())
        };
        let gone_on_with = left();
        fs::remove_dir_all(community.data.runs()).unwrap();
        fs::remove_dir_all(community.data.release()).unwrap();
        let said = program.run(community.builder.clone(), &train).fine();
        assert!(said.contains("model card"), "{said}");
        assert_eq!(left(), gone_on_with);
    });
}
