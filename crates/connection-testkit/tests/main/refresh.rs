//! Tests of refreshes: the rules of the suite and the fake host for a refresher, and each fault that they find.

use std::sync::atomic::{AtomicUsize, Ordering};

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite, signature};

use crate::check;

const API: &str = "https://api.renew.example";
const FIRST: &str = "first-canary-7c1e";

/// A fault of a refresher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    AnotherEachTime,
    BadNetworkIsDead,
    SendsTwice,
    WaversOverItsSemantics,
}

/// A plugin whose token is exchanged for a new one.
struct Renews(Fault, AtomicUsize);

fn renews(fault: Fault) -> Renews {
    Renews(fault, AtomicUsize::new(0))
}

impl ConnectionDefinition for Renews {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        let token = Field::secret("token", "Token");
        Descriptor::new(Kind::from_static("renews"), "Renews", AuthType::OAuth).origin(API).field(token)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let token = ctx.prompt(Prompt::new("Token").field("token")).await.secret("token")?;
        Ok(SetupResult::new(token, Identity::new("1", "R")))
    }

    fn serialize_credential(&self, token: &Secret) -> Result<Secret, CredentialError> {
        Ok(token.duplicate())
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

    fn refresher(&self) -> Option<&dyn Refresher<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Renews {
    fn authorize(&self, token: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(token);
        Ok(())
    }
    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl Refresher<Secret> for Renews {
    fn semantics(&self) -> RefreshSemantics {
        let wavers =
            self.0 == Fault::WaversOverItsSemantics && self.1.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        if wavers { RefreshSemantics::Stable } else { RefreshSemantics::Strict }
    }

    fn refresh<'a>(
        &'a self,
        token: &'a Secret,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<Secret>, ConnectionError>> {
        Box::pin(async move {
            let request = HttpRequest::post(ctx.base_url(API)?, "/renew").form("token", token);
            let answer = match self.0 {
                Fault::SendsTwice => ctx.send(request).await,
                _ => ctx.send_once(Spend::new("token", token), request).await,
            };
            let fresh = match classify(answer) {
                Err(_) if self.0 == Fault::BadNetworkIsDead => {
                    return Err(NotLive::failing(Reason::new(reason::NEEDS_REAUTHORIZATION, "dead")).into());
                }
                answer => answer?.json()?.str_at("token")?.to_owned(),
            };
            let more = match self.0 {
                Fault::AnotherEachTime => self.1.fetch_add(1, Ordering::Relaxed).to_string(),
                _ => String::new(),
            };
            Ok(Refreshed::new(Secret::from(format!("{fresh}{more}"))))
        })
    }
}

fn renew(token: &str) -> Expected {
    Expected::post("https://api.renew.example/renew").form(&[("token", token)])
}

fn fresh() -> Reply {
    Reply::json(200, r#"{"token": "second"}"#)
}

fn suite(fault: Fault) -> Suite<Renews> {
    Suite::new(move || renews(fault))
        .setup([Input::answers(&[("token", FIRST)])], [])
        .refresh([renew(FIRST).answer(fresh())])
}

#[test]
fn a_refresher_that_is_right_passes() {
    suite(Fault::None).check();
}

#[test]
fn each_fault_of_a_refresher_is_caught_by_its_defence() {
    for (fault, expected) in [
        (Fault::AnotherEachTime, "over its recorded answers makes another credential"),
        (Fault::BadNetworkIsDead, "it must be offline, and is"),
        (Fault::SendsTwice, "the script is at its end"),
        (Fault::WaversOverItsSemantics, "the semantics of a refresh differ each time"),
    ] {
        check(expected, || suite(fault).check());
    }
}

/// A request that spends something has three outcomes: an answer, a refusal that spent nothing, or an unknown result.
#[test]
fn an_answer_that_leaves_it_open_is_uncertain() {
    for (reply, expected) in [
        (Reply::status(500), reason::REFRESH_OUTCOME_UNKNOWN),
        (Reply::status(408), reason::REFRESH_OUTCOME_UNKNOWN),
        (Reply::error(HttpError::Timeout), reason::REFRESH_OUTCOME_UNKNOWN),
        (Reply::error(HttpError::Connect), reason::CONNECT),
        (Reply::status(429), reason::RATE_LIMITED),
        (Reply::status(401), reason::UNAUTHORIZED),
    ] {
        let host = FakeHost::new(renews(Fault::None)).expect(renew(FIRST).answer(reply));
        let made = host.setup([Input::answers(&[("token", FIRST)])]).run().unwrap();
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is not live")
        };
        assert_eq!(found.reason.code, expected);
    }
}

#[test]
fn a_signature_needs_a_private_key() {
    let key = Secret::from("-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n");
    let sign = |algorithm| signature(algorithm, &key, b"bytes");
    assert!(sign(SignatureAlgorithm::Es256).is_some());
    assert_ne!(sign(SignatureAlgorithm::Es256), sign(SignatureAlgorithm::Rs256));
    assert_eq!(signature(SignatureAlgorithm::Es256, &Secret::from("no key"), b"bytes"), None);
}
