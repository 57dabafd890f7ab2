//! Tests of all forms of waits: callbacks, times, several at once, and hosts without an address for callbacks.

use connection_contract::prelude::*;
use connection_testkit::{FakeHost, Input};

use crate::check;

const API: &str = "https://id.example";

/// A plugin that opens the browser and ends after a callback, a pasted code or five polls.
struct Races;

impl ConnectionDefinition for Races {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        let code = Field::text("code", "Code");
        Descriptor::new(Kind::from_static("races"), "Races", AuthType::OAuth).origin(API).field(code)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let began = ctx.now();
        let nonce = encode::hex(&ctx.random::<40>());
        let handle = ctx.callback().await?;
        let link = Link::to(ctx.base_url(API)?, "/authorize").query("state", handle.state()).query("nonce", &nonce);
        for _ in 0..5 {
            let wait = Wait::new().open(link.clone()).callback(&handle).elapsed(Duration::from_secs(5));
            let code = match ctx.wait(wait.answer(Prompt::new("Paste").field("code"))).await {
                WaitOutcome::Answered(answers) => answers.text("code")?.to_owned(),
                WaitOutcome::Callback(request) => match request.parameter("code").and_then(Secret::expose_str) {
                    Some(code) => code.to_owned(),
                    None => return Err(SetupFailure::new("refused", "the user said no")),
                },
                _ => continue,
            };
            ctx.log(LogEvent::new("woken"));
            let waited = ctx.now().seconds() - began.seconds();
            let id = format!("{code} after {waited} s by {} {nonce}", handle.redirect_uri());
            return Ok(SetupResult::new(Secret::from(code), Identity::new(id, "R")));
        }
        Err(SetupFailure::new("too_late", "nobody came"))
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

fn host() -> FakeHost<Races> {
    FakeHost::new(Races).inbound_http("https://host.example/callback")
}

#[test]
fn a_wait_ends_in_each_of_its_ways() {
    let callback = Input::callback(&[("code", "c1")]);
    let pasted = Input::answers(&[("code", "c2")]);
    for (inputs, expected) in [
        (vec![callback], "c1 after 0 s by https://host.example/callback"),
        (vec![Input::Elapsed, Input::Elapsed, pasted], "c2 after 10 s by https://host.example/callback"),
    ] {
        let host = host();
        let run = host.setup(inputs).trace();
        let made = run.result.unwrap();
        assert!(made.identity.account_id.as_str().starts_with(expected), "{:?}", made.identity);
        assert_eq!(run.steps.len(), 1, "a poll is the same step");
        assert_eq!(host.log().len(), 1, "what is logged in replays is not kept");
    }
}

#[test]
fn a_setup_may_fail_and_is_replayed_all_the_same() {
    let failure = host().setup([Input::callback(&[("error", "access_denied")])]).run().unwrap_err();
    assert_eq!(failure.code, "refused");
    let failure = host().setup((0..5).map(|_| Input::Elapsed)).run().unwrap_err();
    assert_eq!(failure.code, "too_late");
}

#[test]
fn time_passes_with_a_wait_and_stands_still_otherwise() {
    let host = host();
    let began = host.now();
    host.setup([Input::Elapsed, Input::answers(&[("code", "c")])]).run().unwrap();
    assert_eq!(host.now(), began.after(5));
}

#[test]
fn random_bytes_are_the_same_in_every_run_and_not_all_the_same() {
    let id = || {
        let made = host().setup([Input::answers(&[("code", "c")])]).run().expect("answered");
        made.identity.account_id.to_string()
    };
    assert_eq!(id(), id());
    let nonce = id().rsplit(' ').next().unwrap().to_owned();
    assert!(nonce[..16] != nonce[64..], "{nonce}");
}

/// R-INSEAM-034: in both cases without a callback, the setup ends with a failure that names what the host lacks.
#[test]
fn a_host_without_callbacks_or_with_none_left_says_so() {
    for (host, expected) in [
        (FakeHost::new(Races), "this host cannot receive callbacks"),
        (FakeHost::new(Races).inbound_http_none_left(), "this host has no free callback address now"),
    ] {
        let failure = host.setup([]).run().unwrap_err();
        assert_eq!((failure.code.as_ref(), failure.message.as_str()), ("no_callback", expected));
    }
}

#[test]
fn a_way_that_was_not_asked_for_is_refused() {
    check("the script gives to resume", || host().setup([Input::Resume]).run());
}
