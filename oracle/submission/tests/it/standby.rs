//! Two processes, one folder.

use alloy::signers::local::PrivateKeySigner;
use tributary_submission::{Standby, State};

use crate::world::{Register, World, on_own_chain, policy, slot};

fn standby(world: &World, folder: &std::path::Path, signer: &PrivateKeySigner) -> Standby<PrivateKeySigner, Register> {
    Standby::new(folder, vec![world.endpoint()], signer.clone(), world.target(), policy())
}

#[test]
fn a_standby_waits_for_the_folder_and_goes_on_where_the_first_one_ended() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let first = world.open(folder.path(), &signer).await;
        let intent = world.intent(slot(), 7).await;
        first.submit(intent.clone()).unwrap();
        world.until(&first, intent.key, "sent").await;
        let sent = first.record(intent.key).unwrap().attempts;

        let second = standby(world, folder.path(), &signer);
        assert_eq!(second.verify().await.unwrap().chain_id, 31337);
        let waiting = tokio::spawn(second.take_over());
        first.advance().await.unwrap();
        assert!(!waiting.is_finished());
        drop(first);
        let second = waiting.await.unwrap().unwrap();
        assert_eq!(second.record(intent.key).unwrap().attempts, sent);
        assert_eq!(world.settle(&second, intent.key).await, State::Final);
        assert_eq!(second.record(intent.key).unwrap().attempts, sent);
        assert_eq!(world.nonce(signer.address()).await, 1);
    });
}
