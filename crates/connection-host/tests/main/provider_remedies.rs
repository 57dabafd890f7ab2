//! What the command advises after an answer of a provider, by itself and over `--host`.

use connection_contract::Timestamp;

use crate::{
    provider_answers::{Acme, JSON, RENEWED, json, now, told},
    serve::remote::Remote,
};

/// The remedy of a refresh that is refused for the application is that of its reason, with the command.
#[test]
fn a_refresh_that_is_refused_for_the_application_has_one_remedy() {
    let acme = Acme::connected("", RENEWED);
    for code in ["invalid_scope", "unauthorized_client", "unsupported_grant_type"] {
        acme.tell_token(json(400, &format!(r#"{{"error":"{code}"}}"#)));
        let ran = acme.machine.run(&["refresh", "acme"]).exits(4);
        ran.warns("heck how the application is registered at the provider; if that is right, authorize it again with");
    }
}

/// An access that has ended names the command for it on another machine, too.
#[test]
fn an_ended_access_names_the_command_on_another_machine() {
    let mut acme = Acme::connected("", RENEWED);
    acme.tell_token(json(400, r#"{"error":"invalid_grant"}"#));
    acme.machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let remote = Remote::of(acme.machine, "manage");
    remote.run(&["refresh", "acme"]).exits(4).warns(" reauthorize acme:Ada`");
}

/// A login that is refused while the clocks differ is told with the clock first and the credential second. A date that is
/// years away is that of a server without a clock.
#[test]
fn a_login_that_the_clock_may_have_made_impossible_advises_to_correct_the_clock_first() {
    let acme = Acme::login();
    acme.tell_me(json(401, "{}"));
    for (date, is_told) in [(now() - 2 * 60 * 60, true), (0, false)] {
        let date = Timestamp::from_seconds(date).to_http_date();
        acme.tell_token(told(401, &format!("{JSON}date: {date}\r\n"), "{}"));
        for command in ["verify", "refresh"] {
            let ran = acme.machine.run(&[command, "acme"]).exits(4);
            let said = format!("{}{}", ran.out, ran.err);
            let remedies = ["orrect the clock of this machine", "if that clock is right, ", "with a valid credential"];
            let at = remedies.map(|remedy| said.find(remedy));
            assert_eq!(at.iter().all(Option::is_some) && at.is_sorted(), is_told, "{said}");
            assert_eq!(said.contains("clock"), is_told, "{said}");
        }
    }
}

/// A request says where the application is mended, and the provider's words about the application are told once for all of
/// its connections.
#[test]
fn a_refused_application_is_told_with_its_way_out_and_its_words_once() {
    let acme = Acme::connected("", RENEWED);
    acme.tell_me(json(200, r#"{"id":8,"name":"Bea"}"#));
    acme.sign_in().exits(0);
    acme.tell_me(json(401, "{}"));
    acme.tell_token(json(401, r#"{"error":"invalid_client","error_description":"The secret is wrong"}"#));
    let sent = acme.machine.run(&["send", "acme:Bea", "GET", "/me"]).exits(1);
    let sent = sent.warns("the connection is failing: the provider does not accept the application");
    sent.warns("  Correct the application's secret in this host's configuration");
    let verified = acme.machine.run(&["verify", "--all"]).exits(4);
    assert!(verified.out.contains("which concerns 2 connections"), "{}", verified.out);
    assert_eq!(verified.out.matches("The provider says: The secret is wrong").count(), 1, "{}", verified.out);
}
