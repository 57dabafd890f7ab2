//! The number of statements that a page of connections takes, and the one of a setup among many.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are the
//! same.

use connection_core::Filter;

use crate::{
    acme::KIND,
    extension_statements::Counted,
    test_host::{on_postgres, connected, step},
};

#[tokio::test]
async fn a_page_takes_one_statement_and_two_where_a_filter_may_pass_over_rows() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    for key in ["one", "two", "three"] {
        connected(&on.registry, key).await;
    }
    let page = async |filter: Filter| {
        let (statements, page) = on.takes(async || on.registry.list_connections(filter.clone()).await.unwrap()).await;
        (statements, page.items.len())
    };
    assert_eq!(page(Filter::new()).await, (1, 3));
    assert_eq!(page(Filter::new().kind(KIND).limit(2)).await, (1, 2));
    assert_eq!(page(Filter::new().kind(KIND).label("one")).await.0, 1);
    // The second statement bounds the number of rows that are read.
    assert_eq!(page(Filter::new().label("nobody")).await, (2, 0));
    let all = async || on.registry.list_connections(Filter::new().all_owners()).await.unwrap();
    assert_eq!(on.takes(all).await.0, 1);
}

/// The read of one setup is what a page repeats while it waits.
#[tokio::test]
async fn a_setup_is_read_by_one_statement_however_many_are_open() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let setups = on.registry.setups();
    let session = setups.begin(&KIND).use_start_address().await.unwrap();
    step(&session).await;
    let taken = async || {
        let read = on.takes(async || setups.read(session.id()).await.unwrap().1.unwrap()).await;
        assert_eq!(read.1.info.id, session.id());
        let got = on.takes(async || setups.get(session.id()).await.unwrap()).await.0;
        let info = on.takes(async || session.info().await.unwrap().unwrap()).await.0;
        [read.0, got, info, on.takes(async || session.start_address().await.unwrap()).await.0]
    };
    assert_eq!(taken().await, [1; 4]);
    for _ in 0..20 {
        step(&setups.begin(&KIND).await.unwrap()).await;
    }
    assert_eq!(taken().await, [1; 4], "with 20 others");
    assert_eq!(setups.list().await.unwrap().len(), 21, "the control");
}
