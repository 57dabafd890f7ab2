//! Verification: the meaning of each answer of Twilio, and how each login is attached.

use connection_contract::prelude::*;
use connection_testkit::{Reply, header};

use crate::{ACCOUNT, DENIED, KEY, SECRET, TOKEN, account, get_account, get_messages, host, with_key, with_token};

#[test]
fn each_answer_has_its_meaning() {
    use Liveness::{Failing, Offline};
    for (reply, liveness, code) in [
        (account("suspended"), Failing, reason::SUSPENDED),
        (account("closed"), Failing, reason::CLOSED),
        (account("paused"), Failing, "twilio_inactive"),
        (Reply::json(401, DENIED), Failing, reason::UNAUTHORIZED),
        (Reply::status(403), Failing, reason::UNAUTHORIZED),
        (Reply::json(429, r#"{"code": 20429}"#), Offline, reason::RATE_LIMITED),
        (Reply::text(503, "<html>"), Offline, reason::PROVIDER_ERROR),
        (Reply::json(200, "{}"), Offline, reason::NOT_JSON),
        (Reply::error(HttpError::Tls), Offline, reason::TLS),
    ] {
        let host = host().expect(get_account(ACCOUNT, TOKEN)).expect(get_account(ACCOUNT, TOKEN).answer(reply));
        let made = host.setup(with_token()).run().unwrap();
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        assert_eq!((found.liveness, &*found.reason.unwrap().code), (liveness, code));
    }
}

#[test]
fn an_account_without_a_name_is_named_by_its_sid() {
    let nameless = get_account(ACCOUNT, TOKEN).answer(Reply::json(200, r#"{"status": "active"}"#));
    let made = host().expect(nameless).setup(with_token()).run().unwrap();
    assert_eq!(made.identity.label.as_str(), ACCOUNT);
}

#[test]
fn a_standard_key_is_live_or_not_by_its_messages() {
    for (reply, liveness) in [
        (Reply::json(200, r#"{"messages": []}"#), Liveness::Live),
        (Reply::json(401, DENIED), Liveness::Failing),
        (Reply::status(429), Liveness::Offline),
        (Reply::json(200, "{}"), Liveness::Offline),
    ] {
        let denied = || get_account(KEY, SECRET).answer(Reply::json(401, DENIED));
        let host = host().expect(get_account(KEY, SECRET)).expect(denied()).expect(get_messages().answer(reply));
        let made = host.setup(with_key()).run().unwrap();
        assert_eq!(host.verify(&made.credential, &host.connection(&made)).unwrap().liveness, liveness);
    }
}

#[test]
fn a_401_with_another_code_decides_for_a_key_too() {
    let other = get_account(KEY, SECRET).answer(Reply::json(401, r#"{"code": 20008}"#));
    let host = host().expect(get_account(KEY, SECRET)).expect(other);
    let made = host.setup(with_key()).run().unwrap();
    assert_eq!(host.verify(&made.credential, &host.connection(&made)).unwrap().liveness, Liveness::Failing);
}

#[test]
fn a_request_carries_the_login() {
    for (input, user, password) in [(with_token(), ACCOUNT, TOKEN), (with_key(), KEY, SECRET)] {
        let host = host().expect(get_account(user, password));
        let made = host.setup(input).run().unwrap();
        let request = HttpRequest::get(&host.base_url("https://api.twilio.com"), "/2010-04-01/Accounts.json");
        let request = host.authorize(&made.credential, request).unwrap();
        let pair = encode::base64(format!("{user}:{password}").as_bytes());
        assert_eq!(header(&request, "authorization"), Some(&*format!("Basic {pair}")));
    }
}
