//! Attacks with a second key: one of another account, in each place where the provider would take one.

use connection_contract::encode::base64;

use super::kit::Site;
use crate::{http::Request, test_host::KEY};

const AMBIGUOUS: (u16, &str) = (400, "ambiguous_request");

/// Sends a request with the token alone, and then with what the attacker adds to it.
async fn with_second(kind: &str, second: impl AsyncFnOnce(Request) -> Request) {
    let site = Site::start().await;
    let connection = site.connected(kind).await;
    let with_token = |site: &Site| site.at(connection, "GET", "/a").bearer(&site.token);
    let attack = async |site: &Site| second(with_token(site)).await;
    site.tried(async |site| with_token(site), attack, AMBIGUOUS).await;
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

#[tokio::test]
async fn attack_45_a_second_key_in_the_header_of_the_kind() {
    with_second("in-header", async |request| request.with("x-key", "id another;")).await;
}

#[tokio::test]
async fn attack_46_a_second_key_in_authorization() {
    for value in ["Bearer another", "token another", &basic("another", "")] {
        with_second("in-bearer", async |request| request.also("authorization", value)).await;
    }
}

#[tokio::test]
async fn attack_47_a_second_key_as_the_user_of_basic() {
    with_second("in-user", async |request| request.also("authorization", &basic("another", ""))).await;
}

#[tokio::test]
async fn attack_48_a_second_key_as_the_password_of_basic() {
    with_second("in-password", async |request| request.also("authorization", &basic("api", "another"))).await;
}

#[tokio::test]
async fn attack_49_a_second_key_in_the_parameter_of_the_kind() {
    for query in ["hapikey=another", "h%61pikey=another", "HAPIKEY=another", "page=1&hapikey="] {
        with_second("in-query", async |request| request.query(query)).await;
    }
}

#[tokio::test]
async fn attack_50_a_second_key_at_the_beginning_of_the_path() {
    let site = Site::start().await;
    let connection = site.connected("in-path").await;
    let at = |site: &Site, path: &str| site.at(connection, "GET", path).bearer(&site.token);
    for path in ["/botanother/getMe", "/%62otanother/getMe", "/botanother"] {
        site.tried(async |site| at(site, "/getMe"), async |site| at(site, path), AMBIGUOUS).await;
    }
}

#[tokio::test]
async fn attack_51_a_second_signature_of_aws() {
    with_second("signed", async |request| request.with("x-amz-security-token", "another")).await;
    let presigned = "X-Amz-Credential=AKIDANOTHER%2F20270115%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=00";
    with_second("signed", async |request| request.query(presigned)).await;
    let signature = "AWS4-HMAC-SHA256 Credential=AKIDANOTHER/20270115/us-east-1/s3/aws4_request, Signature=00";
    with_second("signed", async |request| request.also("authorization", signature)).await;
}

#[tokio::test]
async fn attack_52_a_cookie_of_another_account() {
    for name in ["cookie", "Cookie2"] {
        with_second("in-bearer", async |request| request.with(name, "session=another")).await;
    }
}

#[tokio::test]
async fn attack_53_a_key_for_a_proxy() {
    with_second("in-bearer", async |request| request.with("proxy-authorization", &basic("another", ""))).await;
}

#[tokio::test]
async fn attack_54_a_second_key_in_a_usual_header() {
    for name in ["x-api-key", "X_Api_Key", "private-token", "x-auth-token", "x-goog-api-key", "api-key"] {
        with_second("in-bearer", async |request| request.with(name, "another")).await;
    }
}

#[tokio::test]
async fn attack_55_a_second_key_in_a_usual_parameter() {
    for query in ["access_token=another", "page=1&api_key=another", "Access-Token=another", "a%70i_key=another"] {
        with_second("in-bearer", async |request| request.query(query)).await;
    }
}

#[tokio::test]
async fn attack_56_a_second_key_in_a_form() {
    let site = Site::start().await;
    let connection = site.connected("in-bearer").await;
    let form = |site: &Site, body: &str| {
        let request = site.at(connection, "POST", "/a").bearer(&site.token);
        request.with("content-type", "application/x-www-form-urlencoded").text(body)
    };
    for body in ["title=a&access_token=another", "private%5Ftoken=another&title=a"] {
        site.tried(async |site| form(site, "title=a"), async |site| form(site, body), AMBIGUOUS).await;
    }
}

#[tokio::test]
async fn attack_110_a_second_key_in_the_json_of_the_kind() {
    let site = Site::start().await;
    let connection = site.connected("in-body").await;
    for body in [
        r#"{"title":"a"}"#,
        r#"{"title":"a","key":"another"}"#,
        r#"{"title":"a","k\u0065y":"another"}"#,
        r#"{"key":"another","title":"a","key":"another"}"#,
    ] {
        let request = site.at(connection, "POST", "/a").bearer(&site.token).with("content-type", "application/json");
        let received = site.passes(request.text(body)).await;
        assert!(received.contains(KEY) && received.contains("title") && !received.contains("another"), "{received}");
    }
}

#[tokio::test]
async fn attack_57_the_tokens_of_two_agents_in_one_request() {
    let site = Site::start().await;
    let bob = site.bob().await;
    for (name, value) in [
        ("authorization", format!("Bearer {}", bob.token)),
        ("authorization", basic("a", &bob.token)),
        ("x-mine", bob.token.clone()),
    ] {
        let both = async |site: &Site| site.get().also(name, &value);
        site.tried(async |site| site.get(), both, (401, "unauthenticated")).await;
    }
}
