//! Epochs closed and posted unattended.

use std::{sync::Arc, time::Duration};

use tributary_chain::{epoch, root};
use tributary_sdk::{api::RootStanding, client::Client};
use tributary_server::{
    clerk::{Clerk, Duties},
    host::Host,
    http::{Access, Listening},
    secret::Secret,
};
use tributary_submission::{Policy, State};

use crate::{
    metrics::Page,
    studio::{Studio, WINDOW},
    town::{DAY, Town, run},
};

const MONTH: u64 = 30 * DAY;
/// Nothing takes this many looks unless it never comes.
const LOOKS: usize = 50;

#[test]
fn epochs_are_closed_when_they_are_due_and_posted_when_enough_have_signed_once() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, chain, on) = (studio.town(), &studio.town().chain, studio.on());
        let host = Arc::new(Host::open(chain, studio.opening()).await.unwrap());
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = listening.url();
        let poster = town.resident().await;
        let folder = crate::town::folder();
        let duties = || Duties {
            folder: folder.path().join("submission"),
            key: poster.clone(),
            epoch: MONTH,
            more: Vec::new(),
            policy: Policy::default(),
            every: Duration::from_millis(50),
        };
        let clerk = Arc::new(Clerk::open(Arc::clone(&host), duties()).await.unwrap());
        let token = Secret::new("token");
        let access = Access { admin_token: Some(token), max_body: 1 << 20, clerk: Some(Arc::clone(&clerk)) };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopping = async { drop(stopped.await) };
        let serving = tokio::spawn(listening.serve(Arc::clone(&host), access, stopping));
        let buyer = studio.buyer().await;
        let client = Client::connect(&url).await.unwrap();
        let until = town.now().await + 3_650 * DAY;
        let key = alloy::signers::local::PrivateKeySigner::random();
        let session = client.sign_in(&buyer.key, buyer.license, key, until).await.unwrap();
        let asset = studio.model.version.asset;

        for index in 1..=2u64 {
            studio.ask(&session, 2).await;
            clerk.look().await;
            assert_eq!(client.epochs(asset).await.unwrap().len() as u64, index - 1, "it is not due");
            town.advance(MONTH + DAY).await;
            clerk.look().await;
            assert_eq!(client.epochs(asset).await.unwrap().len() as u64, index);
            studio.attest(&url, &studio.attestors[0]).await;
            clerk.look().await;
            assert!(root::newest(chain, on).await.unwrap().is_none_or(|(newest, _)| newest < index), "one of two");
            studio.attest(&url, &studio.attestors[1]).await;
            for _ in 0..LOOKS {
                clerk.look().await;
                if matches!(root::newest(chain, on).await.unwrap(), Some((newest, _)) if newest == index) {
                    break;
                }
            }
            assert_eq!(root::newest(chain, on).await.unwrap(), Some((index, RootStanding::Posted)));
            town.advance(u64::from(WINDOW) + 1).await;
        }
        // Looking again posts nothing again, nor does whoever takes over with the same folder.
        let sent = clerk.submitter().records().unwrap();
        assert_eq!(sent.len(), 2);
        assert!(sent.iter().all(|record| record.state != State::Built), "{sent:?}");
        for _ in 0..LOOKS {
            if clerk.submitter().status().unwrap().pending == 0 {
                break;
            }
            clerk.look().await;
        }
        let page = Page::read(&url, "token").await;
        let submission = |name: &str| page.at(&format!("tributary_submission_{name}"));
        assert!(submission("nonce") >= 2.0 && submission("balance_wei") > 0.0 && submission("runway") > 0.0);
        assert_eq!(submission("pending"), 0.0);
        assert_eq!(page.at(&format!("tributary_root_state{{model=\"{asset}\",state=\"active\"}}")), 1.0);
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        drop(clerk);
        let clerk = Clerk::open(Arc::clone(&host), duties()).await.unwrap();
        clerk.look().await;
        assert_eq!(clerk.submitter().records().unwrap().len(), 2);
        assert_eq!(epoch::standing(chain, on).await.unwrap().index, 3);
    });
}
