//! A person's answers are checked before a plugin sees them. An error names the field and leaves the session
//! unchanged.

use connection_contract::Secret;
use connection_core::{AdvanceError, FilesPolicy, SetupSession, SetupStep};
use connection_faults::scripted::Scripted;

use crate::{
    form_plugin::{FORM, form},
    test_host::{World, answers, code, step},
};

type Given = Vec<(String, Secret)>;

async fn begun(world: &World, form: &Scripted) -> SetupSession {
    let policy = FilesPolicy::new().allow(world.directory.path().join("allowed"));
    let registry = world.builder().kind(form.clone()).files(policy).open().await.unwrap();
    let session = registry.setups().begin(&FORM).await.unwrap();
    step(&session).await;
    session
}

fn with(pairs: &[(&str, &str)]) -> Given {
    answers(&[&[("sid", "AC1234")], pairs].concat())
}

fn problems(result: Result<(), AdvanceError>) -> String {
    let Err(AdvanceError::Invalid(problems)) = result else { return format!("{result:?}") };
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// R-INSEAM-037
#[tokio::test]
async fn wrong_answers_are_refused_by_name_and_the_plugin_sees_nothing() {
    let world = World::new().await;
    let form = form();
    let session = begun(&world, &form).await;
    let long = "x".repeat(16 * 1024 + 1);
    let not_requested = "is not requested; the requested fields are: sid, token, pem, region, flag, count, base, roots";
    let cases: Vec<(Given, String)> = vec![
        (answers(&[]), "'sid' is missing".into()),
        (answers(&[("sid", "")]), "'sid' is missing".into()),
        (with(&[("nope", "1")]), format!("'nope' {not_requested}")),
        (with(&[("other", "1")]), format!("'other' {not_requested}")),
        (with(&[("sid", "AC1234")]), "'sid' is answered twice".into()),
        (answers(&[("sid", "AC12345")]), "'sid' does not have the expected form".into()),
        (answers(&[("sid", "AC1234\n")]), "'sid' does not have the expected form".into()),
        (answers(&[("sid", "xold")]), "'sid' does not have the expected form".into()),
        (with(&[("token", &long)]), "'token' is longer than 16 KiB".into()),
        (with(&[("token", "a\nb")]), "'token' has a line break or another control character".into()),
        (with(&[("region", "Europe")]), "'region' is not one of the choices".into()),
        (with(&[("flag", "yes")]), "'flag' is neither true nor false".into()),
        (with(&[("count", "1.5")]), "'count' is not a whole number".into()),
        (with(&[("count", "99999999999999999999")]), "'count' is not a whole number".into()),
        (with(&[("base", "form.example")]), "'base' is not a plain https address".into()),
        (with(&[("base", "https://u@form.example")]), "'base' is not a plain https address".into()),
        (with(&[("base", "https://form.example?q")]), "'base' is not a plain https address".into()),
        (
            with(&[("base", "http://form.example")]),
            "'base' is an http address of another machine; https is required".into(),
        ),
        (
            with(&[("base", "http://127.0.0.1.form.example")]),
            "'base' is an http address of another machine; https is required".into(),
        ),
        (vec![("sid".into(), Secret::new([255, 254]))], "'sid' is not UTF-8 text".into()),
        (
            [with(&[]), vec![("token".into(), Secret::new([255]))]].into_iter().flatten().collect(),
            "'token' is not UTF-8 text".into(),
        ),
        (
            answers(&[("nope", "1"), ("count", "x")]),
            format!("'nope' {not_requested}; 'sid' is missing; 'count' is not a whole number"),
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(problems(session.advance(1, &given).await), expected);
    }
    assert!(form.seen().is_empty(), "the plugin saw nothing");
    assert!(matches!(session.current_step(), Some((1, SetupStep::Prompt { .. }))), "the session is where it was");
    session.advance(1, &with(&[])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(form.seen(), ["sid=text AC1234", "base=url https://form.example"], "the default is an answer");
}

/// R-INSEAM-037
#[tokio::test]
async fn right_answers_of_every_form_reach_the_plugin_typed() {
    let world = World::new().await;
    let form = form();
    let session = begun(&world, &form).await;
    let pem = "-----BEGIN-----\nx\n-----END-----\n";
    let port = world.server.port();
    let base = format!("http://127.0.0.1:{port}");
    let longest = "x".repeat(16 * 1024);
    let given = [
        ("token", longest.as_str()),
        ("pem", pem),
        ("region", "eu"),
        ("flag", "true"),
        ("count", "-3"),
        ("base", &base),
    ];
    session.advance(1, &with(&given)).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let pem = format!("pem=secret {}", pem.len());
    let base = format!("base=url {base}");
    assert_eq!(
        form.seen(),
        ["sid=text AC1234", "token=secret 16384", &pem, "region=text eu", "flag=bool true", "count=number -3", &base]
    );
}

#[tokio::test]
async fn a_directory_is_granted_within_the_hosts_bounds_only() {
    let world = World::new().await;
    let form = form();
    let allowed = world.directory.path().canonicalize().unwrap().join("allowed");
    let outside = world.directory.path().canonicalize().unwrap().join("outside");
    let one = allowed.join("one");
    let two = allowed.join("two");
    for directory in [&one, &two, &outside] {
        std::fs::create_dir_all(directory).unwrap();
    }
    std::fs::write(allowed.join("file"), "x").unwrap();
    let session = begun(&world, &form).await;
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let gone = allowed.join("gone");
    let file = allowed.join("file");
    let up = one.join("../../outside");
    for (path, expected) in [
        (text(&gone), "does not exist"),
        (text(&file), "is not a directory"),
        (text(&outside), "is outside what this host allows"),
        (text(&up), "is outside what this host allows"),
        ("allowed/one".into(), "is not an absolute path"),
        ("~/one".into(), "is not an absolute path"),
    ] {
        let refused = problems(session.advance(1, &with(&[("roots", &path)])).await);
        assert!(refused.starts_with("'roots' ") && refused.contains(expected), "{refused}");
    }
    let too_many = vec![("roots", text(&one)); 65];
    let too_many: Vec<_> = too_many.iter().map(|(name, path)| (*name, path.as_str())).collect();
    assert_eq!(problems(session.advance(1, &with(&too_many)).await), "'roots' has too many values");
    assert!(form.seen().is_empty());
    let dotted = format!("{}/../one/.", text(&two));
    session.advance(1, &with(&[("roots", &dotted), ("roots", &text(&two))])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let one = format!("roots=directory {}", text(&one));
    let two = format!("roots=directory {}", text(&two));
    assert_eq!(form.seen()[2..], [one, two], "many values, canonical, in order");
}

#[tokio::test]
async fn a_prompt_without_fields_takes_no_answer_but_the_confirmation() {
    let world = World::new().await;
    let registry = world.open(crate::odd_plugin::Odd::new("confirm")).await;
    let session = registry.setups().begin(&crate::odd_plugin::ODD).await.unwrap();
    step(&session).await;
    let refused = session.advance(1, &answers(&[("a", "x")])).await;
    assert_eq!(problems(refused), "'a' is not requested: no answer is needed");
    session.advance(1, &[]).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}
