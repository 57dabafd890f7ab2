//! The policy allows exactly the one style, and texts are escaped.
#![cfg(feature = "workspace-tests")]

use connection_contract::{Kind, encode, prelude::*};
use connection_faults::scripted::Scripted;
use connection_testkit::FakeHost;

use super::{STYLE, STYLE_HASH, escape::escaped};

/// A kind that hashes the style with the host's cryptography, which plugins can use.
fn hashes() -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("hashes"), "Hashes", AuthType::None);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let hash = encode::base64(&ctx.crypto().sha256(STYLE.as_bytes()));
            Ok(SetupResult::new("key".into(), Identity::new(hash, "style")))
        })
    })
}

#[test]
fn the_policy_allows_the_one_style() {
    let made = FakeHost::new(hashes()).setup([]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), STYLE_HASH);
}

#[test]
fn what_means_something_in_html_is_written_as_a_reference() {
    assert_eq!(escaped("a<b>&\"'`=/c"), "a&#60;b&#62;&#38;&#34;&#39;&#96;&#61;&#47;c");
    assert_eq!(escaped("Zoë 字"), "Zoë 字");
}
