//! A kind whose container no host can use is not registered.

use connection_contract::Kind;

use crate::tool::{Tools, tool};

#[tokio::test]
async fn a_kind_whose_container_reaches_above_its_base_is_not_registered() {
    let it = Tools::new().await;
    let error = it.registry.kinds().register(tool(Kind::from_static("outside"))).unwrap_err();
    assert!(error.to_string().contains("the path '../a' of its container is not relative and plain"), "{error}");
}

#[tokio::test]
async fn a_kind_that_needs_a_directory_outside_of_its_configuration_is_not_registered() {
    let it = Tools::new().await;
    let error = it.registry.kinds().register(tool(Kind::from_static("climbing"))).unwrap_err();
    assert!(error.to_string().contains("without '..'"), "{error}");
}
