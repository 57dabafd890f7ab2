//! Tokens that a tool prints: how setup asks for a token and names its account, and that only the tool receives it.

use connection_contract::prelude::*;
use connection_testkit::{FakeHost, Input};

use crate::{HOME, TOKEN, directory, kinds, made};

fn given(token: &str) -> [Input; 2] {
    [Input::answers(&[("how", "setupToken")]), Input::answers(&[("setupToken", token)])]
}

#[test]
fn a_token_is_of_its_profile_so_that_a_later_one_takes_its_place() {
    let host = || FakeHost::new(made("claude")).files(directory(&[])).directory(HOME);
    let first = host().setup(given(TOKEN)).run().unwrap();
    assert_eq!(first.identity.label.as_str(), "Claude Code token in dir");
    let later = host().setup(given("another-token")).run().unwrap();
    assert_eq!(first.identity.account_id, later.identity.account_id);
    assert!(!format!("{:?}", first.identity).contains(TOKEN));
    // Neither setup nor verify sends a request to the provider.
    let host = host();
    assert_eq!(host.verify(&first.credential, &host.connection(&first)).unwrap().liveness, Liveness::Live);
}

#[test]
fn a_token_is_for_the_tool_and_no_secret_that_is_granted() {
    let kind = made("claude");
    let descriptor = kind.descriptor();
    let sign_in = descriptor.tools[0].sign_in.clone().unwrap();
    assert_eq!(
        (sign_in.token_env_var.as_deref(), sign_in.token_secret.as_deref()),
        (Some("CLAUDE_CODE_OAUTH_TOKEN"), Some("setupToken"))
    );
    assert_eq!(descriptor.secret_names, ["apiKey"]);
    let host = FakeHost::new(kind).files(directory(&[])).directory(HOME);
    let token = host.setup(given(TOKEN)).run().unwrap().credential;
    let secrets = host.definition().secrets().unwrap();
    assert_eq!(secrets.secret(&token, "setupToken").unwrap().expose_str(), Some(TOKEN));
    assert!(secrets.secret(&token, "apiKey").is_none());
}

#[test]
fn only_a_tool_whose_command_prints_a_token_asks_for_one() {
    for (kind, make) in kinds() {
        let descriptor = make().descriptor();
        let asks = descriptor.fields.iter().any(|field| field.name == "setupToken");
        assert_eq!(asks, kind == "claude");
        assert_eq!(descriptor.tools[0].sign_in.as_ref().unwrap().token_secret.is_some(), asks);
    }
}

#[test]
fn each_tool_takes_an_api_key_in_a_variable_and_codex_after_arguments_that_name_it() {
    for (kind, variable) in [("claude", "ANTHROPIC_API_KEY"), ("codex", "CODEX_API_KEY"), ("gemini", "GEMINI_API_KEY")]
    {
        let descriptor = made(kind).descriptor();
        let key = descriptor.tools[0].sign_in.clone().unwrap().key.unwrap();
        assert_eq!((&*key.secret, &*key.env_var), ("apiKey", variable));
        assert_eq!(descriptor.secret_names, ["apiKey"], "an extension may be granted the key, too");
        let names_it = key.args.iter().any(|arg| arg.contains(&format!("env_key=\"{variable}\"")));
        assert_eq!((names_it, !key.args.is_empty()), (kind == "codex", kind == "codex"), "{:?}", key.args);
    }
}
