//! Attacks in which a token of an agent or the credential of the provider would end up where others read it.

use connection_contract::encode::{base64, hex};
use connection_core::Role;
use connection_faults::server::Reply;

use super::kit::Site;
use crate::{
    doors_seats::{API, Log},
    test_host::KEY,
};

const UNKNOWN: (u16, &str) = (401, "unauthenticated");

#[tokio::test]
async fn attack_73_the_token_in_the_referer() {
    let site = Site::start().await;
    let from = |site: &Site, address: &str| site.get().with("referer", address);
    let leaking = format!("https://app.example/?token={}", site.token);
    let control = async |site: &Site| from(site, "https://app.example/");
    site.tried(control, async |site| from(site, &leaking), UNKNOWN).await;
    site.tried(control, async |site| from(site, &leaking).without("authorization"), UNKNOWN).await;
}

#[tokio::test]
async fn attack_74_the_token_in_a_path_where_the_kind_has_no_key() {
    let site = Site::start().await;
    for token in [site.token.clone(), site.token.replacen("cn_", "%63n_", 1)] {
        let at = |site: &Site| site.request("GET", &format!("/objects/{token}"));
        site.tried(async |site| site.get(), async |site| at(site), UNKNOWN).await;
        site.tried(async |site| site.get(), async |site| at(site).without("authorization"), UNKNOWN).await;
    }
}

#[tokio::test]
async fn attack_75_the_token_in_a_parameter_where_the_kind_has_no_key() {
    let site = Site::start().await;
    for query in [format!("q={}", site.token), format!("{}=1", site.token), format!("q=%63{}", &site.token[1..])] {
        let control = async |site: &Site| site.get().query("q=1");
        site.tried(control, async |site| site.get().query(&query), UNKNOWN).await;
        let alone = async |site: &Site| site.get().query(&query).without("authorization");
        site.tried(control, alone, UNKNOWN).await;
    }
}

/// Sends the token in each place where a door finds it: where it is taken, and where it is refused.
async fn used_everywhere(site: &Site) {
    let token = &site.token;
    let (in_path, in_query) = (site.connected("in-path").await, site.connected("in-query").await);
    site.passes(site.get()).await;
    site.passes(site.at(in_path, "GET", &format!("/bot{token}/getMe"))).await;
    site.passes(site.at(in_query, "GET", "/a").query(&format!("hapikey={token}"))).await;
    site.refuses(site.at(in_query, "GET", &format!("/bot{token}/a")), UNKNOWN).await;
    site.refuses(site.get().query(&format!("q={token}")), UNKNOWN).await;
    site.refuses(site.get().with("referer", &format!("https://app.example/{token}")), UNKNOWN).await;
    site.refuses(site.at(in_path, "GET", &format!("/bot{token}/..")), (400, "ambiguous_request")).await;
}

#[tokio::test]
async fn attack_76_a_reader_of_the_log_looks_for_tokens() {
    let log = Log::of_process();
    let site = Site::start().await;
    used_everywhere(&site).await;
    let log = log.text();
    assert!(log.contains("/use/{connection}/{*path}"), "the control: requests are logged");
    for secret in [&*site.token, KEY] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None);
    }
}

#[tokio::test]
async fn attack_77_a_reader_of_the_record_looks_for_tokens() {
    let site = Site::start().await;
    used_everywhere(&site).await;
    let uses = site.world.get(&site.ada, "/uses").await;
    assert!(uses.body.contains("/objects/1") && uses.body.contains("/getMe"), "the control: {}", uses.body);
    let operator = site.world.token(Role::Read, None).await;
    let metrics = site.world.root("/metrics").bearer(&operator).send(site.world.port).await;
    let rows = site.world.rows().await.concat();
    assert!(rows.contains("deploy") && rows.contains("connection_use"), "the control: there are rows");
    for text in [&uses.body, &metrics.body, &rows] {
        for secret in [&*site.token, KEY] {
            assert!(!text.contains(secret) && !text.to_lowercase().contains(&hex(secret.as_bytes())));
        }
    }
}

#[tokio::test]
async fn attack_78_a_redirect_with_the_credential_in_its_path() {
    let site = Site::answering(|request| match request.starts_with("GET /bot") {
        true => Reply::redirect(302, &format!("{API}/bot{KEY}/getUpdates")),
        false => Reply::redirect(302, &format!("{API}/getUpdates")),
    })
    .await;
    let stars = "*".repeat(KEY.len());
    for (kind, path) in [("in-path", format!("/bot{stars}/getUpdates")), ("in-bearer", "/getUpdates".to_owned())] {
        let connection = site.connected(kind).await;
        let answer = site.send(site.at(connection, "GET", "/getMe").bearer(&site.token)).await;
        let base = format!("{}/use/{connection}", site.world.origin());
        assert_eq!((answer.status, answer.header("location")), (302, &*format!("{base}{path}")), "{kind}");
    }
}

/// Returns what the agent reads of an answer with this body, which is as long as that of the provider.
async fn read(echo: String) -> String {
    let length = echo.len();
    let site = Site::answering(move |_| Reply::whole(400, &format!("x-echo: {echo}\r\n"), &echo)).await;
    let answer = site.send(site.get()).await;
    assert_eq!((answer.status, answer.body.len()), (400, length));
    assert_eq!(answer.header("x-echo"), answer.body);
    answer.body
}

#[tokio::test]
async fn attack_79_an_answer_that_repeats_the_credential() {
    assert_eq!(read("wrong: another-key".to_owned()).await, "wrong: another-key");
    assert_eq!(read(format!("wrong: {KEY}!")).await, format!("wrong: {}!", "*".repeat(KEY.len())));
}

#[tokio::test]
async fn attack_80_an_answer_that_repeats_the_credential_in_another_form() {
    let forms = [
        hex(KEY.as_bytes()),
        hex(KEY.as_bytes()).to_uppercase(),
        base64(KEY.as_bytes()),
        base64(format!("a{KEY}").as_bytes()),
        base64(format!("ab{KEY}").as_bytes()),
    ];
    for form in forms {
        let shown = read(format!("wrong: {form}")).await;
        assert!(shown.matches('*').count() + 8 >= form.len(), "{form}: {shown}");
    }
    // The control: something of the same form that is no credential.
    let other = hex(b"another-key-that-is-free");
    assert_eq!(read(other.clone()).await, other);
}
