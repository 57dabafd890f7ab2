//! Tests of signatures whose bytes differ each time: a plugin may send one, but must not store it.

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, signature};

use crate::check;

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n";
const API: &str = "https://api.acme.example";

/// A plugin that sends its signature, and stores the signature or a value that does not depend on it.
struct Signer {
    algorithm: SignatureAlgorithm,
    stores: bool,
}

impl ConnectionDefinition for Signer {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("signer"), "Signer", AuthType::Custom).origin(API)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let sign = || ctx.crypto().sign(self.algorithm, &Secret::from(KEY), b"claims").expect("a key");
        let signed = encode::base64url(&sign());
        let again = encode::base64url(&sign());
        let differs = matches!(self.algorithm, SignatureAlgorithm::Es256 | SignatureAlgorithm::Ps256);
        assert_eq!(signed != again, differs, "{:?}", self.algorithm);
        let base = ctx.base_url(API)?;
        let request = HttpRequest::post(base, "/token").query("q", &again).header("x-proof", again.clone());
        classify(ctx.send(request.form("assertion", &format!("a.{signed}"))).await)?;
        let code = Secret::from("code");
        classify(ctx.send_once(Spend::new("code", &code), HttpRequest::post(base, "/spend").form("a", &signed)).await)?;
        let stored = if self.stores { Secret::from(signed) } else { code };
        Ok(SetupResult::new(stored, Identity::new("1", "ada")))
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

fn host(algorithm: SignatureAlgorithm, stores: bool) -> FakeHost<Signer> {
    let proof = encode::base64url(&signature(algorithm, &Secret::from(KEY), b"claims").expect("a key"));
    let token = Expected::post(&format!("{API}/token?q={proof}")).header("x-proof", &proof);
    let spend = Expected::post(&format!("{API}/spend")).form(&[("a", &proof)]);
    FakeHost::new(Signer { algorithm, stores })
        .expect(token.form(&[("assertion", &format!("a.{proof}"))]))
        .expect(spend)
}

#[test]
fn a_request_may_hold_a_signature_that_is_another_one_in_each_run() {
    for algorithm in
        [SignatureAlgorithm::EdDsa, SignatureAlgorithm::Es256, SignatureAlgorithm::Ps256, SignatureAlgorithm::Rs256]
    {
        host(algorithm, false).setup([]).run().expect("a connection");
    }
}

#[test]
fn a_credential_that_depends_on_such_a_signature_fails_the_test() {
    check("the setup ended differently, in its credential", || host(SignatureAlgorithm::Es256, true).setup([]).run());
    host(SignatureAlgorithm::EdDsa, true).setup([]).run().expect("the control");
}
