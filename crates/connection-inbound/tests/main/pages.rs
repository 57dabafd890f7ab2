//! The pages that a browser shows: no foreign text becomes part of the markup, and a page loads nothing.

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};

use crate::{
    login::LOGIN,
    requests::{behind_proxy, get, send},
    test_host::{PUBLIC, World, begun, callbacks},
};

/// T11
const PAYLOADS: [&str; 9] = [
    "<script>alert(1)</script>",
    "\\\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</p><h1>Connected</h1>",
    "<!--",
    "javascript:alert(1)//<svg/onload=alert(1)>",
    "&lt;script&gt;&#60;b&#62;",
    "`${alert(1)}`",
    "]]><style>*{display:none}</style>",
];

/// Returns `true` if a page contains no markup except our own.
fn is_text(page: &str) -> bool {
    let shown = page.split_once("<h1>").unwrap().1;
    let ours = ["</h1>", "<p>", "</p>", "</main>", "</html>"];
    let rest = ours.iter().fold(shown.to_owned(), |rest, markup| rest.replace(markup, ""));
    !rest.contains(['<', '>', '"', '\'', '`'])
}

async fn shown_page(routes: &Router, query: &str) -> String {
    let taken = get(routes, &format!("/callback/login?{query}")).await;
    get(routes, behind_proxy(taken.location())).await.body
}

#[tokio::test]
async fn text_of_providers_and_plugins_is_shown_as_text() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    for payload in PAYLOADS {
        world.provider.answers(200, &format!(r#"{{"id":"{}","name":"{payload}"}}"#, payload.len()));
        let (_session, state) = begun(&registry, &LOGIN).await;
        let page = shown_page(&routes, &format!("code=x&state={state}")).await;
        assert!(page.contains("Connected") && is_text(&page), "{payload}: {page}");
        let (_session, state) = begun(&registry, &LOGIN).await;
        let error = connection_contract::encode::percent_encode(payload);
        let page = shown_page(&routes, &format!("error={error}&state={state}")).await;
        assert!(page.contains("Not connected") && is_text(&page), "{payload}: {page}");
    }
}

/// S10, T11: this holds for errors and unknown paths, too.
#[tokio::test]
async fn every_answer_loads_nothing_is_not_kept_and_leads_nowhere_by_name() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (_session, state) = begun(&registry, &LOGIN).await;
    let taken = get(&routes, &format!("/callback/login?code=x&state={state}")).await;
    let done = behind_proxy(taken.location()).to_owned();
    let mut answers = vec![taken];
    for path in [&done, "/callback/login/done", "/callback/login?state=x", "/callback/LOGIN", "/callback/-/proof"] {
        answers.push(get(&routes, path).await);
    }
    answers.push(send(&routes, Request::post("/callback/login").body(Body::empty()).unwrap()).await);
    for answer in &answers {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{answer:?}");
        let unsafe_words = ["unsafe", "http", "*", "self", "data:"];
        assert!(unsafe_words.iter().all(|word| !policy.contains(word)), "{policy}");
        for directive in ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let loads = ["src=", "href=", "url(", "@import", "<script", "<link"];
        assert!(loads.iter().all(|load| !answer.body.contains(load)), "{}", answer.body);
    }
}

/// S7, T17: neither a parameter nor a header decides where the browser goes.
#[tokio::test]
async fn nothing_of_a_request_gets_into_an_address() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    for extra in
        ["return_to=//evil.example", "redirect_uri=https://evil.example", "next=%0d%0aLocation:%20//evil", "ref=evil"]
    {
        let (_session, state) = begun(&registry, &LOGIN).await;
        let request = Request::get(format!("/callback/login?code=x&state={state}&{extra}"))
            .header(header::HOST, "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "gopher")
            .header("forwarded", "host=evil.example")
            .header("x-forwarded-prefix", "/evil");
        let taken = send(&routes, request.body(Body::empty()).unwrap()).await;
        let reference = taken.location().strip_prefix(&format!("{PUBLIC}/callback/login/done?ref=")).unwrap();
        assert!(reference.len() == 64 && reference.bytes().all(|b| b.is_ascii_hexdigit()), "{reference}");
    }
    let refused = get(&routes, "/callback/login?return_to=//evil.example&state=x").await;
    assert_eq!(refused.header("refresh"), format!("0;url={PUBLIC}/callback/login/done"));
    assert!(!refused.body.contains("evil"));
}

#[tokio::test]
async fn the_page_behind_a_callback_is_for_whoever_has_its_reference() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (_session, state) = begun(&registry, &LOGIN).await;
    let taken = get(&routes, &format!("/callback/login?code=x&state={state}")).await;
    let reference = taken.location().split_once("?ref=").unwrap().1.to_owned();
    let cut = reference.get(1..).unwrap();
    for path in [
        "login/done".to_owned(),
        "login/done?ref=".to_owned(),
        format!("login/done?ref={cut}"),
        format!("login/done?ref={state}"),
        format!("other-login/done?ref={reference}"),
        format!("login/done?ref={}", "0".repeat(64)),
        format!("login/done?x=1&ref={reference}"),
    ] {
        let page = get(&routes, &format!("/callback/{path}")).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.body.contains("Nothing here") && !page.body.contains("ada"), "{path}");
    }
    assert!(get(&routes, &format!("/callback/login/done?ref={reference}")).await.body.contains("ada"));
    world.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(get(&routes, &format!("/callback/login/done?ref={reference}")).await.status, 404);
}
