//! Refusals of a grant that can be repeated, which spends nothing.

use connection_contract::prelude::*;
use connection_oauth2::{ErrorIf, Grant, Response};
use connection_testkit::{Expected, Reply};

use crate::{TOKEN, acme, me, tokens};

/// A grant that can be repeated is never at its end: what refuses it today may accept it tomorrow.
#[test]
fn a_grant_that_can_be_repeated_is_never_at_its_end() {
    let builder = || acme().grant(Grant::ClientCredentials);
    let grant = || Expected::post(TOKEN);
    let host = crate::host(builder()).expect(grant().answer(tokens())).expect(me());
    let made = host.setup([]).run().unwrap();
    for code in ["invalid_grant", "unauthorized_client", "consent_required"] {
        let answer = Reply::json(400, &format!(r#"{{"error": "{code}"}}"#));
        let host = crate::host(builder()).expect(grant().answer(answer));
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is refused")
        };
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_refused"), "{code}");
    }
}

/// An outage refuses nothing, whatever its body says. The reason is the general one, to which the host adds who answered
/// what; the control is the same body with another status.
#[test]
fn an_outage_refuses_neither_a_token_nor_an_application() {
    let builder = || {
        let response = Response::new().error_if(ErrorIf::equals("/code", "GONE"));
        acme().grant(Grant::ClientCredentials).response(response)
    };
    let host = crate::host(builder()).expect(Expected::post(TOKEN).answer(tokens())).expect(me());
    let made = host.setup([]).run().unwrap();
    for (body, refusal) in [
        (r#"{"error": "invalid_grant"}"#, "acme_refused"),
        (r#"{"error": "invalid_client"}"#, "acme_client_refused"),
        (r#"{"code": "GONE"}"#, "acme_refused"),
    ] {
        for (status, liveness, code) in [
            (500, Liveness::Offline, reason::PROVIDER_ERROR),
            (408, Liveness::Offline, reason::PROVIDER_ERROR),
            (400, Liveness::Failing, refusal),
        ] {
            let host = crate::host(builder()).expect(Expected::post(TOKEN).answer(Reply::json(status, body)));
            let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
                panic!("it is not renewed")
            };
            assert_eq!((found.liveness, &*found.reason.code), (liveness, code), "{status} {body}: {found:?}");
        }
    }
}
