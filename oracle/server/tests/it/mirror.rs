//! Batches in a bucket of a real server of the S3 protocol, which `make s3` starts.

use std::sync::Arc;

use tributary_sdk::{batch::Batch, client};
use tributary_server::{
    host::Host,
    mirror::{Mirror, MirrorError},
    steps,
};

use crate::{
    studio::Studio,
    town::{DAY, Town, run},
};

#[test]
#[ignore = "needs a bucket: make s3"]
fn what_is_published_is_copied_once_and_is_what_its_name_says() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(2).await;
        studio.town().advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        serving.stop().await;
        let host = Arc::new(Host::open(&studio.town().chain, studio.opening()).await.unwrap());
        let bucket = std::env::var("BUCKET").unwrap();
        let open = || Mirror::open(Arc::clone(&host), &format!("s3://{bucket}/a/prefix")).unwrap();
        let mut mirror = open();
        assert_eq!(mirror.look().await.unwrap(), 1);
        assert_eq!(mirror.look().await.unwrap(), 0);
        assert_eq!(open().look().await.unwrap(), 0);
        let endpoint = std::env::var("AWS_ENDPOINT").unwrap();
        let copy = format!("{endpoint}/{bucket}/a/prefix/batches/{}.json", epoch.data_hash);
        assert_eq!(Batch::data_hash(&client::fetch(&copy).await.unwrap()), epoch.data_hash);

        let mut nowhere = Mirror::open(Arc::clone(&host), "s3://no-such-bucket").unwrap();
        assert!(matches!(nowhere.look().await, Err(MirrorError::Bucket(_))));
        for wrong in ["https://elsewhere", "bucket", "s3:"] {
            assert!(matches!(Mirror::open(Arc::clone(&host), wrong), Err(MirrorError::NoBucket(_))), "{wrong}");
        }
    });
}
