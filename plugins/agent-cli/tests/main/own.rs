//! The tool's own login: signed in, signed out, unknown and not installed, each in a setup and in a later verification.

use connection_contract::prelude::*;
use connection_plugin_agent_cli::AgentCli;
use connection_testkit::{FakeFiles, FakeHost, FakeTools, Input, offline};

use crate::{HOME, KEY, Make, equipped, host, installed, kinds, logins::codex_login, made, models, signed_in};

fn own() -> Input {
    Input::answers(&[("how", "own")])
}

#[test]
fn a_login_becomes_a_connection_of_its_account() {
    for (kind, make) in kinds() {
        let host = host(make, &signed_in(kind));
        let made = host.setup([own()]).run().unwrap();
        let id = match kind {
            "claude" => "0b5c",
            "codex" => "acc-1:user-ada",
            _ => "ada@example.com",
        };
        assert_eq!(made.identity, Identity::new(id, "ada@example.com"));
        assert!(made.reach.roots.is_empty(), "the directory is the profile's to grant");
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        assert_eq!(found.identity, Some(made.identity));
        assert!(host.secret(&made.credential, "apiKey").is_none(), "the login stays with the tool");
    }
}

#[test]
fn a_probe_of_a_file_reports_only_the_login_state_and_its_account() {
    for (kind, make) in kinds() {
        let host = host(make, &signed_in(kind));
        let made = host.setup([own()]).run().unwrap();
        assert_eq!(made.identity.label.as_str(), "ada@example.com");
        let kept = host.made_of_files();
        assert!(kept.iter().any(|text| text.contains("\"yes\"")), "{kept:?}");
        assert!(kept.iter().all(|text| !text.contains("canary")), "{kind} lets a token out");
    }
}

#[test]
fn a_tool_that_is_nowhere_is_asked_for_again_and_then_ends_the_setup() {
    for (kind, make) in kinds() {
        let probed = ["/usr/bin", "/bin", "/home/ada/.local/bin", "/opt/bin", "/more"];
        let host = FakeHost::new(make()).tools(FakeTools::new().probed(&probed));
        let run = host.setup([own(), own(), own()]).trace();
        let failure = run.result.unwrap_err();
        assert_eq!(failure.code, format!("{kind}_not_installed"));
        assert!(failure.message.as_str().contains("/usr/bin, /bin, /home/ada/.local/bin, /opt/bin, others"));
        assert!(failure.remedy.as_ref().unwrap().as_str().starts_with("install it with 'npm install -g @"));
        assert!(offline(&failure).is_none());
        let problem = run.steps.last().unwrap().prompt.as_ref().unwrap().problem.clone().unwrap();
        assert!(problem.as_str().contains("npm install -g @"), "the person can install it and go on: {problem}");
    }
}

#[test]
fn a_directory_without_a_login_is_signed_out_and_says_how_to_sign_in() {
    for (kind, make) in kinds() {
        let empty = match kind {
            "claude" => {
                vec![(".claude.json", "{}".to_owned()), (".credentials.json", r#"{"claudeAiOauth": {}}"#.to_owned())]
            }
            "codex" => vec![("auth.json", r#"{"OPENAI_API_KEY": null, "tokens": null}"#.to_owned())],
            _ => vec![("oauth_creds.json", "{}".to_owned())],
        };
        for files in [empty, vec![("other.txt", String::new())]] {
            let host = host(make, &files);
            let failure = host.setup([own(), own(), own()]).run().unwrap_err();
            assert_eq!(failure.code, format!("{kind}_signed_out"));
            assert!(failure.remedy.unwrap().as_str().starts_with(&format!("run '{kind}")));
        }
    }
}

/// The tool may be writing the file, or the file may belong to another type of login.
#[test]
fn a_login_file_that_cannot_be_judged_says_nothing() {
    for (kind, make) in kinds() {
        let (file, contents) = match kind {
            "claude" => (".credentials.json", &["{\"claudeAi", "{\"mcpOAuth\": {}}"][..]),
            "codex" => ("auth.json", &["{\"tok"][..]),
            _ => ("oauth_creds.json", &["not json"][..]),
        };
        for content in contents {
            let host = host(make, &[(file, (*content).to_owned())]);
            assert!(host.setup([own()]).run().is_ok(), "{kind}: {content}");
        }
        // Such a file does not sign out an account that was signed in.
        let before = host(make, &signed_in(kind));
        let made = before.setup([own()]).run().unwrap();
        let later = host(make, &[(file, contents[0].to_owned())]);
        assert_eq!(later.verify(&made.credential, &before.connection(&made)).unwrap().liveness, Liveness::Live);
    }
}

#[test]
fn a_login_that_is_gone_with_its_account_is_signed_out() {
    for (kind, make) in kinds() {
        let before = host(make, &signed_in(kind));
        let made = before.setup([own()]).run().unwrap();
        let marker = match kind {
            "claude" => (".claude.json", "{}"),
            "codex" => ("config.toml", ""),
            _ => ("settings.json", "{}"),
        };
        let later = host(make, &[(marker.0, marker.1.to_owned())]);
        let found = later.verify(&made.credential, &before.connection(&made)).unwrap();
        assert_eq!(found.liveness, Liveness::Failing);
        assert_eq!(found.reason.unwrap().code, format!("{kind}_signed_out"));
    }
}

#[test]
fn two_people_of_one_workspace_are_two_accounts() {
    let make = kinds()[1].1;
    let identity = |email| {
        let host = host(make, &[("auth.json", codex_login(email, "acc-1"))]);
        host.setup([own()]).run().unwrap().identity.account_id
    };
    assert_ne!(identity("ada@example.com"), identity("eve@example.com"));
    // The account is that of the workspace if the token does not name a person.
    let bare = codex_login("ada@example.com", "acc-1").replace("id_token", "other_token");
    let host = host(make, &[("auth.json", bare)]);
    assert_eq!(host.setup([own()]).run().unwrap().identity.account_id.as_str(), "acc-1");
}

#[test]
fn a_directory_that_says_nothing_of_a_login_is_taken_as_it_is() {
    for (kind, make) in kinds() {
        let silent = match kind {
            "claude" => (".claude.json", "{}".to_owned()),
            "codex" => ("config.toml", String::new()),
            _ => ("settings.json", "{}".to_owned()),
        };
        let host = host(make, &[silent]);
        let made = host.setup([own()]).run().unwrap();
        assert!(made.identity.account_id.as_str().starts_with("directory:"), "{}", made.identity.account_id);
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        assert_eq!((found.liveness, found.identity), (Liveness::Live, None));
    }
}

#[test]
fn without_a_directory_there_is_no_login_to_take() {
    for (kind, make) in kinds() {
        let made_on = host(make, &signed_in(kind));
        let made = made_on.setup([own()]).run().unwrap();
        let host = FakeHost::new(make()).tools(installed(&make()));
        let failure = host.setup([own()]).run().unwrap_err();
        assert_eq!(failure.code, format!("{kind}_nowhere"));
        assert_eq!(failure.remedy.unwrap().as_str(), "create a profile with a directory, and connect that profile");
        let found = host.verify(&made.credential, &made_on.connection(&made)).unwrap();
        assert_eq!(
            (found.liveness, found.reason.unwrap().code.as_ref()),
            (Liveness::Failing, &*format!("{kind}_nowhere"))
        );
        // An API key needs no directory.
        let inputs = [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY)])];
        host.expect(models(kind)).setup(inputs).run().unwrap();
    }
}

/// R-JACK-026
#[test]
fn a_file_of_the_account_that_cannot_be_judged_says_nothing() {
    for (kind, account) in [("claude", ".claude.json"), ("gemini", "google_accounts.json")] {
        let make = kinds().into_iter().find(|(name, _)| *name == kind).unwrap().1;
        // The login itself is in another place, such as a keychain.
        let files: Vec<_> = signed_in(kind).into_iter().filter(|(name, _)| *name == account).collect();
        let made_on = host(make, &files);
        let made = made_on.setup([own()]).run().unwrap();
        let connection = made_on.connection(&made);
        for (content, liveness) in [
            ("{\"half\":".to_owned(), Liveness::Live),
            (" ".repeat((1 << 20) + 1), Liveness::Live),
            ("{}".into(), Liveness::Failing),
        ] {
            let host = host(make, &[(account, content)]);
            assert_eq!(host.verify(&made.credential, &connection).unwrap().liveness, liveness, "{kind}");
        }
    }
}

#[test]
fn installed_tools_are_shown_with_the_first_question() {
    let known = |kind: &str| FakeTools::new().tool(kind, "/bin/tool", "2.1.197 (Claude Code)");
    let claude = |files: &[(&'static str, String)]| host(kinds()[0].1, files);
    for (host, says) in [
        (
            claude(&signed_in("claude")).tools(known("claude")),
            "Claude Code is at /bin/tool (2.1.197 (Claude Code)), signed in as ada@example.com",
        ),
        (
            claude(&[("settings.json", "{}".to_owned())]).tools(FakeTools::new().broken("claude", "/bin/tool")),
            "Claude Code is at /bin/tool",
        ),
        (
            host(kinds()[2].1, &signed_in("gemini")).tools(known("gemini")),
            "Gemini CLI is at /bin/tool, signed in as ada@example.com",
        ),
        (
            claude(&[]).tools(known("claude")),
            "Claude Code is not signed in: run 'claude auth login': it opens a browser, or prints the address to open; \
             where nobody can sign in, 'claude setup-token' prints a token for the variable CLAUDE_CODE_OAUTH_TOKEN",
        ),
        (
            FakeHost::new(made("claude")).tools(FakeTools::new().probed(&["/bin"])),
            "Claude Code is not installed, looked in /bin: install it with 'npm install -g @anthropic-ai/claude-code', \
             see https://code.claude.com/docs/en/setup",
        ),
    ] {
        let inputs = [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY)])];
        let kind = host.definition().descriptor().kind;
        let host = host.expect(models(kind.as_str()));
        let run = host.setup(inputs).trace();
        let shown: Vec<_> = run.steps[0].notices.iter().map(|notice| notice.message.as_str().to_owned()).collect();
        assert_eq!(shown, [says]);
    }
}

#[test]
fn what_changes_later_is_seen() {
    for (kind, make) in kinds() {
        let made_on = host(make, &signed_in(kind));
        let made = made_on.setup([own()]).run().unwrap();
        let connection = made_on.connection(&made);
        let with = |files: FakeFiles| host(make, &[]).files(files);
        for (later, liveness, code) in [
            (
                equipped(FakeHost::new(make()), &[]).tools(FakeTools::new()),
                Liveness::Failing,
                format!("{kind}_not_installed"),
            ),
            (host(make, &[("x", String::new())]), Liveness::Failing, format!("{kind}_signed_out")),
            (with(FakeFiles::new()), Liveness::Failing, format!("{kind}_signed_out")),
            (with(FakeFiles::new().denied(HOME)), Liveness::Failing, "denied".to_owned()),
            (with(FakeFiles::new().unavailable(HOME)), Liveness::Offline, "provider_error".to_owned()),
            (FakeHost::new(make()), Liveness::Failing, "denied".to_owned()),
            (unavailable(make), Liveness::Offline, "provider_error".to_owned()),
        ] {
            let found = later.verify(&made.credential, &connection).unwrap();
            assert_eq!((found.liveness, found.reason.unwrap().code.into_owned()), (liveness, code), "{kind}");
        }
    }
}

#[test]
fn somebody_else_who_signed_in_is_another_account() {
    let before = host(kinds()[1].1, &signed_in("codex"));
    let made = before.setup([own()]).run().unwrap();
    let later = host(kinds()[1].1, &[("auth.json", codex_login("eve@example.com", "acc-2"))]);
    let found = later.verify(&made.credential, &before.connection(&made)).unwrap();
    assert_eq!(found.identity, Some(Identity::new("acc-2:user-eve", "eve@example.com")));
}

#[test]
fn a_host_that_cannot_look_now_does_not_end_the_setup() {
    let failure = unavailable(kinds()[0].1).setup([own()]).run().unwrap_err();
    assert!(offline(&failure).is_some());
}

fn unavailable(make: Make) -> FakeHost<AgentCli> {
    FakeHost::new(make()).tools(FakeTools::new().unavailable())
}
