//! The host that the README shows.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/embed.rs"]
mod embed;

use connection_contract::Secret;
use connection_core::HttpPolicy;

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
