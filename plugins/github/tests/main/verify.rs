//! Verification and use: what GitHub reports about a token, how the token is attached, and the name under which it is
//! handed out.

use connection_contract::prelude::*;
use connection_testkit::{Reply, header};

use crate::{TOKEN, get_user, host, octocat, token};

#[test]
fn a_verify_reads_identity_scopes_and_expiry() {
    let host = host().expect(get_user().answer(octocat())).expect(get_user().answer(octocat()));
    let made = host.setup([token()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(found.liveness, Liveness::Live);
    assert_eq!(found.identity, Some(Identity::new("583231", "octocat")));
    assert_eq!(found.granted_scopes.unwrap(), ["read:user", "repo"]);
    assert_eq!(found.valid_until, Timestamp::parse("2026-02-05T10:20:30Z"));
}

#[test]
fn every_form_of_the_expiry_header_is_read() {
    for (text, expected) in [
        ("2026-02-05 10:20:30 UTC", Some("2026-02-05T10:20:30Z")),
        ("2026-02-05 10:20:30 +0100", Some("2026-02-05T09:20:30Z")),
        ("soon", None),
    ] {
        let user = Reply::json(200, crate::USER).header("GitHub-Authentication-Token-Expiration", text);
        let made = host().expect(get_user().answer(user)).setup([token()]).run().unwrap();
        assert_eq!(made.valid_until.map(Timestamp::to_rfc3339).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_request_carries_the_token_and_keeps_what_its_caller_set() {
    let host = host().expect(get_user().answer(octocat()));
    let made = host.setup([token()]).run().unwrap();
    let request = HttpRequest::get(&host.base_url("https://api.github.com"), "/repos/a/b");
    let request = request.header("accept", "application/vnd.github.diff");
    let request = host.authorize(&made.credential, request).unwrap();
    assert_eq!(header(&request, "authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(header(&request, "accept"), Some("application/vnd.github.diff"));
    assert_eq!(host.secret(&made.credential, "accessToken").unwrap().expose_str(), Some(TOKEN));
}
