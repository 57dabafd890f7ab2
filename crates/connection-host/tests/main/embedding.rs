//! The example hosts of the documentation.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/embed.rs"]
mod embed;
#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/extensions.rs"]
mod extensions;
#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/host.rs"]
mod host;

use connection_contract::Secret;
use connection_core::HttpPolicy;
use connection_faults::postgres;

use crate::provider::{Provider, TOKEN};

#[tokio::test]
async fn a_host_in_twenty_lines_connects_uses_and_removes() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let http = HttpPolicy::new().endpoint("https://api.github.com", &provider.origin).unwrap();
    let answer = embed::whoami(directory.path(), http.clone(), Secret::from(TOKEN)).await.unwrap();
    assert!(answer.expose_str().unwrap().contains("octocat"));
    // The example removed the connection, so the same account can be connected again.
    embed::whoami(directory.path(), http.clone(), Secret::from(TOKEN)).await.unwrap();
    let refused = embed::whoami(directory.path(), http, Secret::from("wrong")).await.unwrap_err();
    assert_eq!(refused.to_string(), "api.github.com answered 401 Unauthorized: GitHub does not accept this token");
}

#[tokio::test]
async fn a_host_of_several_users_works_on_either_engine() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
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

#[tokio::test]
async fn a_host_of_extensions_offers_tools_while_they_are_connected_and_granted_and_asks_again_at_each_call() {
    use connection_core::RequiredAction;
    use extensions::{Extension, Offer, allow, connect, forbid};

    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let http = HttpPolicy::new().endpoint("https://api.github.com", &provider.origin).unwrap();
    let server = postgres::Database::empty().await;
    let file = directory.path().join("connections.db").display().to_string();
    for address in [file, server.url()] {
        let key = directory.path().join(format!("{}.key", address.len()));
        let registry = extensions::open(&address, &key, http.clone()).await.unwrap();
        let issues = Extension::begin(&registry, crate::extensions::ISSUES).unwrap();
        let notes = Extension::begin(&registry, crate::extensions::RELEASE_NOTES).unwrap();
        let required = async |extension: &Extension| match extension.offer().await.unwrap() {
            Offer::Required(required) => Some(required.action),
            Offer::Tools(_) => None,
        };
        let tools = async |extension: &Extension| match extension.offer().await.unwrap() {
            Offer::Required(_) => Vec::new(),
            Offer::Tools(tools) => tools,
        };
        assert_eq!(required(&issues).await, Some(RequiredAction::Connect));
        assert_eq!(issues.call("search").await.unwrap_err().code, "connection_missing");
        connect(&registry, &issues, Secret::from(TOKEN)).await.unwrap();
        assert_eq!(tools(&issues).await, ["search", "create"]);
        let called = issues.call("search").await.unwrap();
        assert_eq!(called, format!("search has a token of {} bytes", TOKEN.len()));
        assert_eq!(issues.call("delete").await.unwrap_err().code, "undeclared");
        assert!(issues.whoami().await.unwrap().expose_str().unwrap().contains("octocat"));

        assert_eq!(required(&notes).await, Some(RequiredAction::Grant));
        let refused = notes.call("write").await.unwrap_err();
        assert_eq!(refused.code, "not_granted");
        assert!(refused.message.contains("; grant "), "{}", refused.message);
        allow(&registry, &notes).await.unwrap();
        let listed = tools(&notes).await;
        notes.call(&listed[0]).await.unwrap();
        forbid(&registry, &notes).await.unwrap();
        // The tool was listed before the grant was revoked, and is refused now.
        assert_eq!(notes.call(&listed[0]).await.unwrap_err().code, "not_granted");
        assert_eq!(notes.whoami().await.unwrap_err().code, "not_granted");
        issues.call("create").await.unwrap();
        registry.close().await;
    }
}
