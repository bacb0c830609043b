//! Data folders of another chain, folders in use, and ports that are taken.

use std::{fs, sync::Arc};

use tributary_ledger::{FILE_NAME, LedgerError};
use tributary_server::{
    host::{Host, OpenError},
    http::{Listening, ServeError},
    steps::{DataFolder, StepError, data::SnapshotFile},
};

use crate::{
    studio::Studio,
    town::{Town, folder, run, word},
};

/// Another chain than `town`'s. Two that start within a second are the same to everybody.
pub(crate) async fn another(town: &Town) -> Arc<Town> {
    loop {
        let other = Town::start().await;
        if other.chain.genesis() != town.chain.genesis() {
            return other;
        }
    }
}

#[test]
fn a_data_folder_belongs_to_the_chain_it_was_made_for() {
    run(async {
        let town = Town::shared().await;
        let other = another(&town).await;
        let folder = folder();
        DataFolder::open(folder.path(), &town.chain).unwrap();
        DataFolder::open(folder.path(), &town.chain).unwrap();
        let refused = DataFolder::open(folder.path(), &other.chain).unwrap_err();
        assert!(matches!(refused, StepError::WrongChain { .. }), "{refused}");
        assert!(refused.to_string().contains("use the folder of this chain"), "{refused}");
    });
}

#[test]
fn a_ledger_of_another_chain_is_not_served_from_and_stays_as_it_was() {
    run(async {
        let town = Town::shared().await;
        let other = another(&town).await;
        let (here, there) = (Studio::new(town).await, Studio::new(other).await);
        let data = folder();
        drop(
            Host::open(&here.town().chain, here.opening_in(data.path(), here.community.data.release())).await.unwrap(),
        );
        let before = fs::metadata(data.path().join(FILE_NAME)).unwrap().len();

        let opening = there.opening_in(data.path(), there.community.data.release());
        let refused = Host::open(&there.town().chain, opening).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, OpenError::Ledger(LedgerError::WrongChain { .. })), "{refused:?}");
        assert_eq!(fs::metadata(data.path().join(FILE_NAME)).unwrap().len(), before);
        Host::open(&here.town().chain, here.opening_in(data.path(), here.community.data.release())).await.unwrap();
    });
}

#[test]
fn a_data_folder_has_one_host_at_a_time() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let refused = Host::open(&studio.town().chain, studio.opening()).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, OpenError::Ledger(LedgerError::InUse { .. })), "{refused:?}");
        serving.stop().await;
        Host::open(&studio.town().chain, studio.opening()).await.unwrap();
    });
}

#[test]
fn a_ledger_file_that_is_none_is_refused() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let data = folder();
        fs::write(data.path().join(FILE_NAME), "not a database".repeat(1_000)).unwrap();
        let opening = studio.opening_in(data.path(), studio.community.data.release());
        let refused = Host::open(&studio.town().chain, opening).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, OpenError::Ledger(LedgerError::Unreadable { .. })), "{refused:?}");
    });
}

#[test]
fn steps_that_were_not_taken_in_a_folder_are_named() {
    run(async {
        let folder = folder();
        let data = DataFolder::open(folder.path(), &Town::shared().await.chain).unwrap();
        let missing = [
            (data.dataset().unwrap_err(), "tributary dataset create"),
            (data.charter().unwrap_err(), "tributary dataset create"),
            (data.snapshot(word(), SnapshotFile::Manifest).unwrap_err(), "tributary dataset snapshot"),
            (data.model().unwrap_err(), "tributary release"),
        ];
        for (error, command) in missing {
            assert!(error.to_string().contains(command), "{error}");
        }
        fs::write(folder.path().join("model.json"), "{").unwrap();
        assert!(matches!(data.model().unwrap_err(), StepError::Unreadable { .. }));
    });
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    run(async {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refused = Listening::bind(address).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, ServeError::PortTaken(found) if found == address), "{refused}");
        assert!(refused.to_string().contains("--listen"), "{refused}");
        let foreign = Listening::bind("192.0.2.1:80".parse().unwrap()).await.map(|_| ()).unwrap_err();
        assert!(matches!(foreign, ServeError::Listen(..)), "{foreign}");
    });
}
