//! Tests that the suite refuses the same setups as a real host, with the same messages.
//!
//! The test `tests/main/refused_alike.rs` of the core compares both for all limits.

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite};

use crate::check;

type Made = Result<SetupResult<Secret>, SetupFailure>;
type Act = for<'a> fn(&'a SetupContext<'a>) -> BoxFuture<'a, Made>;

/// A plugin whose setup performs the given action.
struct Loud(Act);

impl ConnectionDefinition for Loud {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("loud"), "Loud", AuthType::Custom).origin("https://api.loud.example")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Made {
        (self.0)(ctx).await
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Loud {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }
    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

fn made(id: &str) -> SetupResult<Secret> {
    SetupResult::new(Secret::from("credential"), Identity::new(id.to_owned(), "Ada"))
}

fn suite(act: Act, inputs: impl IntoIterator<Item = Input>) -> Suite<Loud> {
    Suite::new(move || Loud(act)).setup(inputs, [])
}

#[test]
fn a_setup_that_a_host_refuses_fails_the_suite() {
    let cases: [(&str, Act); 5] = [
        ("the plugin did not say which account this is", |_| Box::pin(async { Ok(made("")) })),
        ("the plugin returned an account id of 500 characters or more", |_| {
            Box::pin(async { Ok(made(&"x".repeat(600))) })
        }),
        ("the plugin's credential is larger than 1 MiB", |_| {
            Box::pin(async {
                let credential = Secret::from("x".repeat(2 * 1024 * 1024));
                Ok(SetupResult::new(credential, Identity::new("ada", "Ada")))
            })
        }),
        ("the plugin does not finish (it shows more than 32 notices at once)", |ctx| {
            Box::pin(async {
                let wait = Wait::new().elapsed(Duration::from_secs(5));
                ctx.wait((0..40).fold(wait, |wait, _| wait.notice(Notice::new("Look")))).await;
                Ok(made("ada"))
            })
        }),
        ("the plugin failed with a malformed code", |_| Box::pin(async { Err(SetupFailure::new("no code", "?")) })),
    ];
    for (words, act) in cases {
        check(words, || suite(act, [Input::Elapsed]).check());
    }
}

#[test]
fn a_sleep_without_an_end_is_no_panic() {
    let sleeps: Act = |ctx| {
        Box::pin(async {
            ctx.sleep(Duration::MAX).await;
            Ok(made("ada"))
        })
    };
    suite(sleeps, [Input::Elapsed]).check();
    let run = FakeHost::new(Loud(sleeps)).setup([Input::Elapsed]).trace();
    assert_eq!((run.effects, run.result.unwrap().identity.account_id.as_str()), (1, "ada"));
}

#[test]
fn a_journal_that_is_too_large_ends_the_setup() {
    let sends: Act = |ctx| {
        Box::pin(async {
            for _ in 0..6 {
                let request = HttpRequest::get(ctx.base_url("https://api.loud.example")?, "/");
                ctx.send(request).await.unwrap();
            }
            Ok(made("ada"))
        })
    };
    let large = || Expected::get("https://api.loud.example/").answer(Reply::text(200, &"x".repeat(1024 * 1024)));
    let host = (0..4).fold(FakeHost::new(Loud(sends)), |host, _| host.expect(large()));
    check("the results of its effects are more than 4 MiB", || host.setup([]).run());
}
