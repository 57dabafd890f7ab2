//! A host that refreshes due credentials, as shown in the guide.

use connection_core::{ConnectionRegistry, RefreshOutcome};

use crate::renewing::{LIFE, Renewals};

// region: run
/// Renews due credentials until `stop` resolves, and returns the counts of the outcomes for the metrics of the host.
async fn renew(registry: &ConnectionRegistry, stop: impl Future<Output = ()>) -> Vec<String> {
    tokio::select! {
        () = registry.run() => {}
        () = stop => {}
    }
    let outcomes = registry.events().refresh_outcomes();
    outcomes.iter().map(|(kind, outcome, count)| format!("refreshes{{{kind},{outcome}}} {count}")).collect()
}
// end: run

#[tokio::test]
async fn a_host_as_the_guide_has_it_renews_and_tells_how_that_ended() {
    let it = Renewals::new().await;
    it.at(LIFE - 100);
    let counted = async {
        for _ in 0..100_000 {
            it.number("generation").await;
            if it.registry.events().refresh_outcomes().total(RefreshOutcome::Refreshed) > 0 {
                return;
            }
        }
    };
    let metrics = renew(&it.registry, counted).await;
    assert_eq!(metrics, ["refreshes{renewing,refreshed} 1"]);
}
