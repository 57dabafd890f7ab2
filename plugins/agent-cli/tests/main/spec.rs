//! The contract types of each kind: profiles, sandbox, tool and permission modes.

use connection_contract::prelude::*;

use crate::{kinds, made};

fn of(kind: &str) -> (Descriptor, ProfileSpec, SandboxSpec) {
    let kind = made(kind);
    (kind.descriptor(), kind.profiles().expect("profiles"), kind.sandbox().expect("a sandbox"))
}

#[test]
fn each_tool_is_pointed_at_its_directory_by_its_own_variable() {
    for (kind, env, directory) in [
        ("claude", "CLAUDE_CONFIG_DIR", ".claude"),
        ("codex", "CODEX_HOME", ".codex"),
        ("gemini", "GEMINI_CONFIG_DIR", ".gemini"),
    ] {
        let (_, profiles, _) = of(kind);
        assert_eq!(profiles.env_var, env);
        assert_eq!(profiles.needs_directory, kind == "codex");
        assert_eq!(Some(profiles.implicit_dir), PathSpec::new(PathBase::Home, directory));
    }
    let (_, gemini, _) = of("gemini");
    assert_eq!(gemini.extra_env, [(Text::Borrowed("GEMINI_CLI_HOME"), EnvValue::Parent)]);
    assert_eq!(gemini.dir_name.as_deref(), Some(".gemini"), "the tool reads the directory of that name in the parent");
    assert!(of("claude").1.extra_env.is_empty() && of("codex").1.dir_name.is_none());
}

#[test]
fn each_tool_is_installed_and_signed_in_as_its_documents_say() {
    for (kind, package, command, token) in [
        ("claude", "@anthropic-ai/claude-code", &["claude", "auth", "login"][..], "CLAUDE_CODE_OAUTH_TOKEN"),
        ("codex", "@openai/codex", &["codex", "login", "--device-auth"], "CODEX_ACCESS_TOKEN"),
        ("gemini", "@google/gemini-cli", &["gemini"], "GEMINI_API_KEY"),
    ] {
        let (descriptor, ..) = of(kind);
        let [tool] = &descriptor.tools[..] else { panic!("{kind} has one tool") };
        assert_eq!((&*tool.binary, tool.version_form.argument()), (kind, "--version"));
        assert_eq!(tool.install_command.as_deref(), Some(&*format!("npm install -g {package}")));
        assert!(tool.docs_url.as_ref().unwrap().starts_with("https://"));
        let sign_in = tool.sign_in.as_ref().unwrap();
        assert_eq!(sign_in.command, command);
        assert_eq!(sign_in.command.first(), Some(&tool.binary));
        assert_eq!(sign_in.token_env_var.as_deref(), Some(token));
        assert!(sign_in.hint.is_some() && sign_in.docs_url.as_ref().unwrap().starts_with("https://"));
        assert_eq!(tool.is_version_asked, kind == "claude", "the others write when they are asked");
        assert_eq!(descriptor.needs, [Need::Files, Need::Tools]);
    }
}

#[test]
fn modes_are_in_the_order_of_the_tool_and_only_claude_keeps_a_prompt_warm() {
    let modes = |kind| of(kind).0.permission_modes;
    assert_eq!(modes("claude"), ["default", "acceptEdits", "plan", "bypassPermissions", "auto"]);
    assert_eq!(modes("codex"), ["read-only", "workspace-write", "danger-full-access"]);
    assert_eq!(modes("gemini"), ["default", "auto_edit", "plan", "yolo"]);
    let warm = |kind| of(kind).0.cache_ttl;
    assert_eq!((warm("claude"), warm("codex"), warm("gemini")), (Some(Duration::from_secs(300)), None, None));
}

#[test]
fn each_tool_tells_usage() {
    let usage = kinds().map(|(_, make)| make().usage().is_some());
    assert_eq!(usage, [true, true, true]);
}

#[test]
fn a_sandbox_sees_copies_of_the_directory_and_of_what_lies_beside_it() {
    for (kind, mounts) in
        [("claude", &[".claude", ".claude.json"][..]), ("codex", &[".codex"]), ("gemini", &[".gemini"])]
    {
        let (_, profiles, sandbox) = of(kind);
        assert_eq!((&*sandbox.default_image, &*sandbox.binary), (&*format!("localhost/connections/{kind}:1"), kind));
        let containers: Vec<_> = sandbox.config_mounts.iter().map(|mount| mount.container.clone()).collect();
        assert_eq!(containers, mounts.iter().map(|name| format!("/agent/{name}")).collect::<Vec<_>>());
        let [profile, beside @ ..] = &sandbox.config_mounts[..] else { panic!("{kind} mounts something") };
        assert!(profile.is_profile && profile.host == profiles.implicit_dir);
        assert!(!profile.is_implicit_only && beside.iter().all(|mount| !mount.is_profile && mount.is_implicit_only));
        assert!(sandbox.env.contains(&("HOME".into(), "/agent".into())), "whoever runs it has the same home");
        assert!(sandbox.config_mounts.iter().all(|mount| mount.mode == MountMode::Copied));
        let [sessions] = &profile.keeps[..] else { panic!("{kind} resumes sessions") };
        let expected = [("claude", "projects"), ("codex", "sessions"), ("gemini", "tmp")];
        assert!(expected.contains(&(kind, &**sessions)), "{kind} resumes from {sessions}");
    }
}
