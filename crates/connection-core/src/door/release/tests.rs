//! A secret is handed out only if the grant and the credential are those that were read.
#![cfg(feature = "workspace-tests")]

use super::*;
use crate::{
    Door,
    grant::standing::tests::{Deed, Stage},
};

#[tokio::test]
async fn nothing_is_handed_out_after_what_it_was_decided_with_has_changed() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let caller = stage.agent.caller(Door::Helper);
        let id = stage.connection.id();
        let (connection, permit) = permitted(&stage.registry.systems.connection, &caller, id).await.unwrap();
        let open = connection.open_for_release().await.unwrap();
        stage.does(deed).await;
        let asked = Asked { program: HEADERS, origin: None };
        let recorded = record(&caller, &connection, &permit, &open, asked, vec!["key".to_owned()]).await;
        let recorded = recorded.map_err(|error| error.code());
        // A freeze does not name the release, which is on record and does not happen.
        let (expected, released) = match deed {
            Deed::Nothing => (Ok(true), 1),
            Deed::Freezes => (Err("frozen"), 1),
            _ => (Ok(false), 0),
        };
        assert_eq!(recorded, expected, "{deed:?}");
        assert_eq!(stage.released().await, Some(released), "{deed:?}");
        stage.registry.close().await;
    }
}
