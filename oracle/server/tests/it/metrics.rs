//! The operator's page of figures.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::CONTENT_TYPE;
use tributary_sdk::client;
use tributary_server::steps;

use crate::{
    http,
    studio::Studio,
    town::{DAY, Town, run},
};

/// A page, sample by sample: name and labels as they stand there.
pub(crate) struct Page(BTreeMap<String, f64>);

impl Page {
    /// Reads a page as a scraper would, which checks that it is one.
    pub(crate) async fn read(url: &str, token: &str) -> Self {
        let answer = client::http().get(format!("{url}/metrics")).bearer_auth(token).send().await.unwrap();
        assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text"));
        let text = answer.text().await.unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.pop(), Some("# EOF"));
        let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
        for line in lines {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                assert!(families.insert(described.to_owned()), "{described} twice");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let value: f64 = value.parse().unwrap();
                assert!(samples.insert(name.to_owned(), value).is_none(), "{name} twice");
            }
        }
        Self(samples)
    }

    #[track_caller]
    pub(crate) fn at(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name} among {:#?}", self.0.keys()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.keys().any(|key| key.starts_with(name))
    }
}

#[test]
fn what_was_asked_computed_and_written_is_on_the_operators_page() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(3).await;
        http::get(&format!("{}/metrics", serving.url)).await.refused(401, "not_operator");
        http::get(&format!("{}/v1/receipts/0x7", serving.url)).await.refused(400, "bad_path");
        let model = studio.model.version.asset;
        let page = Page::read(&serving.url, serving.token.reveal()).await;
        assert_eq!(page.at("tributary_ready"), 1.0);
        let infer = r#"method="POST",route="/v1/models/{asset}/infer",code="ok""#;
        assert_eq!(page.at(&format!("tributary_http_request_seconds_count{{{infer}}}")), 3.0);
        let refused = r#"method="GET",route="/v1/receipts/{id}",code="bad_path""#;
        assert_eq!(page.at(&format!("tributary_http_request_seconds_count{{{refused}}}")), 1.0);
        let of = |name: &str| page.at(&format!("tributary_{name}{{model=\"{model}\"}}"));
        assert_eq!((of("batch_records_sum"), of("sketch_seconds_count"), of("queue_waiting")), (3.0, 3.0, 0.0));
        // One reservation and one receipt each, and the sign-in.
        assert_eq!(of("ledger_writes_total"), 7.0);
        assert!(of("ledger_commit_seconds_total") > 0.0);
        assert_eq!(page.at(&format!("tributary_ledger_commits_total{{model=\"{model}\",outcome=\"failed\"}}")), 0.0);
        let running = r#"release="1",asked="cpu",running="cpu""#;
        assert_eq!(page.at(&format!("tributary_model{{model=\"{model}\",{running}}}")), 1.0);
        let up_to =
            |bound: &str| page.at(&format!("tributary_batch_records_bucket{{le=\"{bound}\",model=\"{model}\"}}"));
        assert_eq!(up_to("+Inf"), of("batch_records_count"));
        assert!(up_to("1.0") <= up_to("2.0") && up_to("1024.0") == up_to("+Inf"));

        assert_eq!((page.at("tributary_chain_up"), of("epoch")), (1.0, 1.0));
        assert_eq!(page.at(&format!("tributary_root_state{{model=\"{model}\",state=\"none\"}}")), 1.0);
        assert!(!page.has("tributary_epoch_attestations") && !page.has("tributary_submission"));
        studio.town().advance(30 * DAY).await;
        steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        studio.attest(&serving.url, &studio.attestors[0]).await;
        let page = Page::read(&serving.url, serving.token.reveal()).await;
        let word = |word: &str| page.at(&format!("tributary_epoch_attestations{{model=\"{model}\",word=\"{word}\"}}"));
        assert_eq!((word("attested"), word("refused"), word("needed")), (1.0, 0.0, 2.0));
        let lag = page.at(&format!("tributary_epoch_lag_seconds{{model=\"{model}\"}}"));
        assert!(lag >= (30 * DAY) as f64, "{lag}");
        serving.stop().await;
    });
}
