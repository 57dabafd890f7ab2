//! Nobody is asked about a request of an agent that may no longer use the connection.
#![cfg(feature = "workspace-tests")]

use super::*;
use crate::grant::standing::tests::{Deed, Stage};

#[tokio::test]
async fn nobody_is_asked_after_the_agent_the_grant_or_the_connection_has_ended() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let row = stage.asked().await;
        stage.does(deed).await;
        let on = stage.ground().clone();
        let job = stage.ground().store.write(move |tx| Box::pin(async move { is_granted(tx, &on, &row).await }));
        let expected = match deed {
            Deed::RemovesAgent | Deed::RevokesGrant | Deed::RemovesConnection => Err("not_granted"),
            Deed::EndsGrant => Err("grant_ended"),
            Deed::EditsAgent | Deed::EditsGrant | Deed::EditsConnection => Err("row_changed"),
            // What else has changed is found when the request is sent.
            _ => Ok(()),
        };
        assert_eq!(job.await.unwrap().map_err(|error| error.code()), expected, "{deed:?}");
        stage.registry.close().await;
    }
}
