//! The hosts that the documents show.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/embed.rs"]
mod embed;
#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/host.rs"]
mod host;

use connection_contract::Secret;
use connection_core::HttpPolicy;
use connection_faults::postgres;

use crate::provider::{Provider, TOKEN};

#[tokio::test]
async fn a_host_in_twenty_lines_connects_uses_and_removes() {
    let (provider, directory) = (Provider::start(), tempfile::tempdir().unwrap());
    let http = HttpPolicy::new().endpoint("https://api.github.com", &provider.origin).unwrap();
    let answer = embed::whoami(directory.path(), http.clone(), Secret::from(TOKEN)).await.unwrap();
    assert!(answer.expose_str().unwrap().contains("octocat"));
    // Removed, so that the same account can be connected once more.
    embed::whoami(directory.path(), http.clone(), Secret::from(TOKEN)).await.unwrap();
    let refused = embed::whoami(directory.path(), http, Secret::from("wrong")).await.unwrap_err();
    assert_eq!(refused.to_string(), "not connected");
}

#[tokio::test]
async fn a_host_of_several_users_works_on_either_engine() {
    let (provider, directory) = (Provider::start(), tempfile::tempdir().unwrap());
    let http = HttpPolicy::new().endpoint("https://api.github.com", &provider.origin).unwrap();
    let server = postgres::Database::empty().await;
    let file = directory.path().join("connections.db").display().to_string();
    for address in [file, server.url()] {
        let key = directory.path().join(format!("{}.key", address.len()));
        let registry = host::open(&address, &key, http.clone()).await.unwrap();
        for user in ["ada", "bob"] {
            host::connect(&registry, user, Secret::from(TOKEN)).await.unwrap();
            let refused = host::connect(&registry, user, Secret::from(TOKEN)).await.unwrap_err();
            assert!(refused.to_string().contains("github:work"), "{refused}");
            assert_eq!(host::page(&registry, user).await.unwrap(), ["github:work Live"]);
            let answer = host::whoami(&registry, user).await.unwrap();
            assert!(answer.expose_str().unwrap().contains("octocat"));
        }
        assert!(host::page(&registry, "eve").await.unwrap().is_empty());
        assert!(host::whoami(&registry, "eve").await.is_err());
        registry.close().await;
    }
}
