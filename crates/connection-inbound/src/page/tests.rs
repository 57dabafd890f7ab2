//! The policy allows exactly the one style, and texts are escaped.

use connection_contract::{Kind, encode, prelude::*};
use connection_testkit::FakeHost;

use super::{STYLE, STYLE_HASH, escape::escaped};

/// A kind that hashes the style with the host's cryptography, which plugins can use.
struct Hashes;

impl ConnectionDefinition for Hashes {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("hashes"), "Hashes", AuthType::None)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let hash = encode::base64(&ctx.crypto().sha256(STYLE.as_bytes()));
        Ok(SetupResult::new(Secret::default(), Identity::new(hash, "style")))
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}

#[test]
fn the_policy_allows_the_one_style() {
    let made = FakeHost::new(Hashes).setup([]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), STYLE_HASH);
}

#[test]
fn what_means_something_in_html_is_written_as_a_reference() {
    assert_eq!(escaped("a<b>&\"'`=/c"), "a&#60;b&#62;&#38;&#34;&#39;&#96;&#61;&#47;c");
    assert_eq!(escaped("Zoë 字"), "Zoë 字");
}
