//! Tests that answers are checked before a plugin sees them, as in a real host.

use connection_contract::prelude::*;
use connection_testkit::{FakeHost, Input};

use crate::check;

/// A plugin that asks for one field of each type and shows the answers.
#[derive(Default)]
struct Asks;

impl ConnectionDefinition for Asks {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        let colours = vec![("r".into(), "Red".into()), ("g".into(), "Green".into())];
        Descriptor::new(Kind::from_static("asks"), "Asks", AuthType::Custom)
            .field(Field::text("text", "Text"))
            .field(Field::text("more", "More").optional())
            .field(Field::url("url", "Address").default("https://a.example/api"))
            .field(Field::directory("dirs", "Directories").many().optional())
            .field(Field::new("colour", "Colour", Input_::Choice(colours)).optional())
            .field(Field::new("flag", "Flag", Input_::Bool).optional())
            .field(Field::new("number", "Number", Input_::Number).optional())
            .field(Field::text("code", "Code").pattern("AC[0-9]+").optional())
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let prompt = ["text", "more", "url", "dirs", "colour", "flag", "number", "code"];
        let answers = ctx.prompt(prompt.into_iter().fold(Prompt::new("?"), |prompt, name| prompt.field(name))).await;
        let got: Vec<_> = answers.iter().map(|(name, answer)| format!("{name}={answer:?}")).collect();
        let reach = answers.all("dirs").fold(Reach::declared(), |reach, answer| match answer {
            Answer::Directory(root) => reach.root(root.clone()),
            _ => reach,
        });
        Ok(SetupResult::new(Secret::from("x"), Identity::new(got.join(" "), "Asks")).reach(reach))
    }

    fn serialize_credential(&self, secret: &Secret) -> Result<Secret, CredentialError> {
        Ok(secret.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}
use connection_contract::Input as Input_;

#[track_caller]
fn got(answers: &[(&str, &str)]) -> String {
    let made = FakeHost::new(Asks).setup([Input::answers(answers)]).run().expect("answered");
    made.identity.account_id.to_string()
}

#[test]
fn each_answer_becomes_what_its_field_is() {
    let all = [
        ("text", "a"),
        ("dirs", "/a"),
        ("dirs", "/b"),
        ("colour", "g"),
        ("flag", "true"),
        ("number", "-3"),
        ("code", "AC12"),
    ];
    let got = got(&all);
    for part in [
        "text=Text(\"a\")",
        "GrantedDirectory(\"/a\")",
        "GrantedDirectory(\"/b\")",
        "colour=Text(\"g\")",
        "Bool(true)",
        "Number(-3)",
        "code=Text(\"AC12\")",
    ] {
        assert!(got.contains(part), "{got}");
    }
}

#[test]
fn an_empty_answer_is_none_and_a_default_steps_in() {
    let got = got(&[("text", "a"), ("more", "")]);
    assert!(!got.contains("more"), "{got}");
    assert!(got.contains("/api"), "{got}");
}

/// R-INSEAM-037: a missing, unknown or malformed answer is refused before the plugin sees it, with the field's name.
#[test]
fn a_wrong_answer_is_refused_and_names_its_field() {
    for (answer, expected) in [
        (&[("more", "b")][..], "'text' is missing"),
        (&[("text", "")], "'text' is missing"),
        (&[("text", "a"), ("text", "b")], "'text' is answered twice"),
        (&[("text", "a"), ("other", "b")], "'other' is not a field of this prompt"),
        (&[("text", &"a".repeat(16 * 1024 + 1))], "'text' is too long"),
        (&[("text", "a"), ("url", "ftp://a.example")], "'url' is not a plain https address"),
        (&[("text", "a"), ("url", "http://a.example")], "'url' is an http address of another machine"),
        (&[("text", "a"), ("url", "https://a.example/?q")], "'url' is not a plain https address"),
        (&[("text", "a"), ("colour", "blue")], "'colour' is not one of the choices"),
        (&[("text", "a"), ("flag", "yes")], "'flag' is neither true nor false"),
        (&[("text", "a"), ("number", "1.5")], "'number' is not a whole number"),
        (&[("text", "a"), ("code", "AC12 ")], "'code' does not have the expected form"),
        (&[("text", "a\nb")], "'text' has a line break or another control character"),
    ] {
        check(expected, || got(answer));
    }
}

#[test]
fn an_address_on_this_machine_may_be_plain() {
    for url in ["http://localhost:9001", "http://127.0.0.1:9001/api", "http://[::1]:9001"] {
        assert!(got(&[("text", "a"), ("url", url)]).contains("Url("), "{url}");
    }
    check("is an http address of another machine", || got(&[("text", "a"), ("url", "http://localhost.evil.example")]));
}
