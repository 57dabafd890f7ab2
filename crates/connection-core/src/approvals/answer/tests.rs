//! A grant is widened only if everything is as it was when the request was made.
#![cfg(feature = "workspace-tests")]

use super::*;
use crate::grant::standing::tests::{Deed, Stage};

#[tokio::test]
async fn no_grant_is_widened_after_what_the_request_was_made_with_has_changed() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let row = stage.asked().await;
        stage.does(deed).await;
        let on = stage.ground().clone();
        let job = stage.ground().store.write(move |tx| {
            Box::pin(async move {
                let facts = Facts::of(&row);
                let (method, path) = (facts.method.clone(), facts.path.clone());
                let scope = approval::Scope { rule: facts.rule.clone(), method, origin: None, path };
                let new = NewWidening { scope, time: Duration::from_secs(60), requests: 1 };
                widen(tx, &on, &row, &facts, &new).await
            })
        });
        let expected = match deed {
            Deed::Nothing | Deed::Freezes | Deed::ReplacesCredential => Ok(()),
            Deed::EditsAgent | Deed::EditsGrant | Deed::EditsConnection => Err("row_changed"),
            _ => Err("grant_changed"),
        };
        assert_eq!(job.await.unwrap().map_err(|error| error.code()), expected, "{deed:?}");
        let widened = stage.agent.grants().await.unwrap().iter().map(|grant| grant.widened.len()).sum::<usize>();
        assert_eq!(widened, usize::from(expected.is_ok()), "{deed:?}");
        stage.registry.close().await;
    }
}
