//! Probing the directory of a tool: it runs nothing, and reads nothing outside of the directory.

use std::fs;

use connection_contract::{encode, reason};
use connection_core::{DirectoryProbe, DirectoryState, FilesPolicy};

use crate::tool::{Tools, write};

/// Returns exists, authenticated, and the account.
fn found(probe: &DirectoryProbe) -> (bool, Option<bool>, Option<&str>) {
    (probe.exists, probe.authenticated, probe.account_label.as_ref().map(|label| label.as_str()))
}

/// Returns a token with an invalid signature.
fn token(claims: &str) -> String {
    format!("{}.{}.nothing", encode::base64url(b"{}"), encode::base64url(claims.as_bytes()))
}

async fn probe(it: &Tools, relative: &str) -> DirectoryProbe {
    it.profiles().probe(it.path(relative)).await.unwrap()
}

/// R-JACK-010
#[tokio::test]
async fn a_path_is_probed_before_there_is_a_profile_of_it() {
    let it = Tools::new().await;
    assert_eq!(found(&probe(&it, "a").await), (false, None, None));
    fs::create_dir_all(it.path("a")).unwrap();
    assert_eq!(found(&probe(&it, "a").await), (false, None, None), "the tool was never there");
    it.write("a/settings.json", "{}");
    assert_eq!(found(&probe(&it, "a").await), (true, None, None), "nothing says whether somebody is signed in");
    it.write("a/auth.json", r#"{"tokens":{"access":" "}}"#);
    assert_eq!(found(&probe(&it, "a").await), (true, Some(false), None), "a login that is none");
    it.write("a/auth.json", r#"{"tokens":{"access":"canary"}}"#);
    assert_eq!(found(&probe(&it, "a").await), (true, Some(true), None));
    it.write("a/settings.json", r#"{"account":{"name":" Ada\u0007 "}}"#);
    assert_eq!(found(&probe(&it, "a").await), (true, Some(true), Some("Ada")));
    fs::remove_file(it.path("a/auth.json")).unwrap();
    it.write("a/key.json", r#"{"key":"canary"}"#);
    let probed = probe(&it, "a").await;
    assert_eq!(found(&probed), (true, Some(true), Some("Ada")), "another way to be signed in");
    assert!(!format!("{probed:?}").contains("canary"));
}

/// A file that is being written does not mean that nobody is signed in: the previous login may still be valid.
#[tokio::test]
async fn a_login_file_that_cannot_be_judged_leaves_it_unknown_and_says_why() {
    let it = Tools::new().await;
    it.write("a/settings.json", r#"{"account":{"name":"Ada"}}"#);
    let judged = async |auth: &str| {
        it.write("a/auth.json", auth);
        let probed = probe(&it, "a").await;
        assert!(probed.exists && probed.account_label.as_ref().is_some_and(|name| name.as_str() == "Ada"));
        let debug = format!("{:?}", probed.reason);
        assert!(!debug.contains("canary"), "{debug}");
        (probed.authenticated, probed.reason.map(|reason| (reason.code.into_owned(), reason.message.to_string())))
    };
    let not_json =
        (reason::NOT_JSON.to_owned(), "'auth.json' is not JSON; perhaps it is just being written".to_owned());
    let long = format!(r#"{{"tokens":{{"access":"{}"}}}}"#, "x".repeat(1 << 20));
    for (auth, authenticated, why) in [
        ("", None, Some(not_json.clone())),
        (r#"{"tokens":{"access":"canary-acc"#, None, Some(not_json.clone())),
        // A login of another format: the file says nothing about this one.
        ("{}", None, None),
        (r#"{"tokens":{}}"#, Some(false), None),
        (r#"{"tokens":null}"#, Some(false), None),
        (
            &*long,
            None,
            Some((reason::TOO_LARGE.to_owned(), "'auth.json' has more than 1 MiB and is not read".to_owned())),
        ),
    ] {
        assert_eq!(judged(auth).await, (authenticated, why), "{}", &auth[..auth.len().min(40)]);
    }
    // While one file is in doubt, the state is never "signed out". One valid login is enough for "signed in".
    it.write("a/key.json", "{}");
    assert_eq!(judged("{broken").await, (None, Some(not_json)));
    assert_eq!(judged("{}").await, (Some(false), None));
    it.write("a/key.json", r#"{"key":"canary"}"#);
    assert_eq!(judged("{broken").await, (Some(true), None));
}

#[tokio::test]
async fn the_claims_of_a_token_name_the_account_and_one_that_is_none_names_nobody() {
    let it = Tools::new().await;
    for (number, (id, account)) in [
        (token(r#"{"email":"ada@acme.example"}"#), Some("ada@acme.example")),
        (token(r#"{"email":7}"#), None),
        (token("{"), None),
        ("a.b".into(), None),
        ("a.!.c".into(), None),
        (format!("{}.d", token(r#"{"email":"eve"}"#)), None),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{number}");
        it.write(&format!("{name}/auth.json"), &format!(r#"{{"tokens":{{"access":"x","id":"{id}"}}}}"#));
        assert_eq!(found(&probe(&it, &name).await), (true, Some(true), account), "{id}");
    }
}

#[tokio::test]
async fn the_result_of_a_file_is_cached_until_it_changes() {
    let it = Tools::new().await;
    let file = it.write("a/settings.json", r#"{"account":{"name":"Ada"}}"#);
    assert_eq!(found(&probe(&it, "a").await).2, Some("Ada"));
    let stamp = fs::metadata(&file).unwrap().modified().unwrap();
    write(&file, r#"{"account":{"name":"Bob"}}"#);
    fs::File::options().write(true).open(&file).unwrap().set_modified(stamp).unwrap();
    assert_eq!(found(&probe(&it, "a").await).2, Some("Ada"), "its size and time are the same");
    let later = stamp + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_eq!(found(&probe(&it, "a").await).2, Some("Bob"));
}

#[tokio::test]
async fn a_file_that_is_too_long_says_nothing() {
    let it = Tools::new().await;
    it.write("a/settings.json", "{}");
    it.write("a/auth.json", &format!(r#"{{"tokens":{{"access":"{}"}}}}"#, "x".repeat(1 << 20)));
    assert_eq!(found(&probe(&it, "a").await), (true, None, None));
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_is_gone_a_link_or_none_is_told_and_no_link_leads_out_of_it() {
    use std::os::unix::fs::symlink;

    let it = Tools::new().await;
    let outside = it.write("outside/auth.json", r#"{"tokens":{"access":"canary"}}"#);
    it.write("a/settings.json", r#"{"account":{"name":"Ada"}}"#);
    symlink(&outside, it.path("a/auth.json")).unwrap();
    let led_out = probe(&it, "a").await;
    assert_eq!(found(&led_out), (true, None, Some("Ada")), "what is outside says nothing");
    assert_eq!(led_out.reason.unwrap().code, reason::DENIED);
    symlink(it.path("a"), it.path("link")).unwrap();
    let linked = probe(&it, "link").await;
    assert_eq!(found(&linked), (true, None, Some("Ada")));
    assert_eq!(linked.state, DirectoryState::Link(it.path("a").canonicalize().unwrap()));
    symlink(it.path("nothing"), it.path("dangling")).unwrap();
    for (path, state) in [
        ("gone", DirectoryState::Gone),
        ("dangling", DirectoryState::Gone),
        ("a/settings.json", DirectoryState::NotADirectory),
        ("a/settings.json/x", DirectoryState::NotADirectory),
    ] {
        let probed = probe(&it, path).await;
        assert_eq!((found(&probed), probed.state.clone()), ((false, None, None), state), "{path}");
    }
    assert_eq!(it.profiles().probe("relative").await.unwrap_err().code(), "invalid_directory");
}

#[tokio::test]
async fn nothing_is_read_where_the_host_allows_nothing_to_be_read() {
    let it = Tools::with(|builder| builder.files(FilesPolicy::new().allow("/nowhere/at/all"))).await;
    it.write("a/settings.json", r#"{"account":{"name":"Ada"}}"#);
    let probed = probe(&it, "a").await;
    assert_eq!((found(&probed), probed.state.clone()), ((false, None, None), DirectoryState::NotAllowed));
}

/// The existence and the type of a path would also be information.
#[cfg(unix)]
#[tokio::test]
async fn nothing_is_reported_about_a_path_out_of_bounds() {
    use std::os::unix::fs::symlink;

    let allowed = tempfile::tempdir().unwrap();
    let it = Tools::with(|builder| builder.files(FilesPolicy::new().allow(allowed.path()))).await;
    it.write("a/settings.json", "{}");
    symlink("loop", it.path("loop")).unwrap();
    symlink(it.path("a"), it.path("link")).unwrap();
    symlink(it.path("a"), allowed.path().join("out")).unwrap();
    symlink(it.path("a/settings.json"), allowed.path().join("file")).unwrap();
    let outside = ["a", "gone", "loop", "link", "a/settings.json", "a/settings.json/x"].map(|path| it.path(path));
    let led_out = ["out", "file"].map(|path| allowed.path().join(path));
    for path in outside.into_iter().chain(led_out) {
        let probed = it.profiles().probe(&path).await.unwrap();
        assert_eq!(
            (found(&probed), probed.state.clone()),
            ((false, None, None), DirectoryState::NotAllowed),
            "{path:?}"
        );
    }
    // Within the bounds, they are reported.
    write(&allowed.path().join("in/settings.json"), "{}");
    for (path, state) in [("gone/deeper", DirectoryState::Gone), ("in", DirectoryState::There)] {
        assert_eq!(it.profiles().probe(allowed.path().join(path)).await.unwrap().state, state, "{path}");
    }
}
