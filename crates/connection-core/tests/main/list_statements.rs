//! The number of statements that a page of connections takes.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are the
//! same.

use connection_contract::Liveness;
use connection_core::Filter;

use crate::{
    acme::KIND,
    extension_statements::Counted,
    test_host::{ON_POSTGRES, connected},
};

#[tokio::test]
async fn a_page_takes_one_statement_and_two_where_a_filter_may_pass_over_rows() {
    if ON_POSTGRES {
        return;
    }
    let on = Counted::new().await;
    for key in ["one", "two", "three"] {
        connected(&on.registry, key).await;
    }
    let page = async |filter: Filter| {
        let (statements, page) = on.takes(async || on.registry.list_connections(filter.clone()).await.unwrap()).await;
        (statements, page.connections.len())
    };
    assert_eq!(page(Filter::new()).await, (1, 3));
    assert_eq!(page(Filter::new().kind(KIND).limit(2)).await, (1, 2));
    assert_eq!(page(Filter::new().kind(KIND).label("one")).await.0, 1);
    // The second statement bounds the number of rows that are read.
    assert_eq!(page(Filter::new().liveness(Liveness::Failing)).await, (2, 0));
    let all = async || on.registry.list_connections(Filter::new().all_owners()).await.unwrap();
    assert_eq!(on.takes(all).await.0, 1);
}
