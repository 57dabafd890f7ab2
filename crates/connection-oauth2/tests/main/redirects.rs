//! Q33, S12: a request that holds a secret, or is answered with one, goes to the endpoint and nowhere else, not even
//! within its origin. The host's own tests show that it enforces this.

use connection_oauth2::{Client, Endpoint, Grant, OAuth2Builder, Renewal, Step};
use connection_testkit::{Expected, Input, Reply};

use crate::{SECRET, TOKEN, acme, back, connected, host, me, redeem, renew, tokens};

const ELSEWHERE: &str = "https://id.acme.example/elsewhere";

fn post(url: &str) -> Expected {
    Expected::post(url).no_redirect()
}

/// Q33, S12: a request that holds a secret is answered where it was sent.
#[test]
fn no_request_of_a_setup_follows_a_redirect() {
    let rows: [(OAuth2Builder, Expected, Vec<Input>); 5] = [
        (acme().endpoint(Endpoint::PushedAuthorization, ELSEWHERE), post(ELSEWHERE), vec![]),
        (acme().grant(Grant::DeviceCode).endpoint(Endpoint::Device, ELSEWHERE), post(ELSEWHERE), vec![]),
        (acme().client(Client::Registered).endpoint(Endpoint::Registration, ELSEWHERE), post(ELSEWHERE), vec![]),
        (acme().grant(Grant::ClientCredentials), post(TOKEN), vec![]),
        (
            acme().grant(Grant::Password).unsafe_password_grant(),
            post(TOKEN),
            vec![Input::answers(&[("username", "ada"), ("password", SECRET)])],
        ),
    ];
    for (builder, expected, inputs) in rows {
        // This holds even if the provider itself would have answered the redirected request.
        let host = host(builder).expect(expected.answer(Reply::status(303).header("location", ELSEWHERE)));
        assert_eq!(host.setup(inputs).run().unwrap_err().code, "acme_redirected");
    }
}

/// Q33, S12
#[test]
fn no_request_with_a_token_follows_a_redirect() {
    let step = || Step::get("https://id.acme.example/long").parameter("token", "${token.access}");
    let long = || Expected::get(&format!("https://id.acme.example/long?token={}", crate::ACCESS)).no_redirect();
    let builder = acme().then(step()).renewal(Renewal::Step(step())).endpoint(Endpoint::Revocation, ELSEWHERE);
    let host = host(builder).expect(redeem().answer(tokens())).expect(long().answer(tokens())).expect(me());
    let made = host.setup([back()]).run().unwrap();
    let connection = host.connection(&made);
    let host = host.expect(long().answer(tokens()));
    host.refresh(&made.credential, &connection).unwrap();
    let host = host.expect(post(ELSEWHERE)).expect(post(ELSEWHERE));
    host.teardown(&made.credential, &connection).unwrap();

    let (host, made) = connected(acme(), tokens());
    let host = host.expect(renew().answer(tokens()));
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}
