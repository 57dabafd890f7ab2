//! A browser returns to `serve` with the callback for a setup of another process.

use std::net::TcpListener;

use serde_json::json;

use crate::{
    program::check,
    real::{Real, browsed},
};

use super::{Serving, adding::Adding, ask, google::Google, machine, until};

/// R-INSEAM-089
#[test]
fn a_callback_through_serve_completes_the_setup_of_another_process() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    assert_eq!(serving.url, format!("http://{}", serving.address));
    let adding = Adding::at(&machine, &google, &serving);
    let (session, path) = adding.begun();
    let taken = serving.get(&path);
    let done = taken.header("location").unwrap().strip_prefix(&serving.url).unwrap().to_owned();
    assert_eq!(taken.status, 303);
    let mut page = serving.get(&done);
    until("the page tells", || {
        page = serving.get(&done);
        page.header("refresh").is_none()
    });
    assert!(page.body.contains("Connected") && page.body.contains("ada@example.com"), "{}", page.body);
    assert_eq!(adding.end(&session), "done ada@example.com");
    assert_eq!(google.grants(), ["authorization_code"]);
    let rows = machine.run(&["list", "--json"]).exits(0).json();
    check(&rows[0], "connection");
    adding.close();
}

/// If a public URL is configured, the browser of `add` returns to `serve`, and `add` finds the result in the store.
#[test]
fn a_browser_of_add_comes_back_to_serve_where_a_public_url_is_configured() {
    let Some(mut real) = Real::start(json!({})) else { return };
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", &listen.to_string());
    real.machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("http://{listen}"));
    let serving = Serving::of(real.command(&["serve", "--json"]));
    let mut adding = real.begin(&["add", "real-public"]);
    assert_eq!(adding.line("Redirect address: "), format!("http://{listen}/callback/real-public"));
    let (_, shown) = browsed(&adding.link());
    assert!(shown.status == 200 && shown.body.contains("Connected"), "{shown:?}");
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    drop(serving);
}

#[test]
fn two_serve_on_one_store_and_either_is_called_back() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let one = Serving::start(&machine);
    let two = Serving::start(&machine);
    assert_ne!(one.address, two.address);
    let adding = Adding::at(&machine, &google, &one);
    let (first, path) = adding.begun();
    assert_eq!(two.get(&path).status, 303);
    assert_eq!(adding.end(&first), "done ada@example.com");
    let (second, path) = adding.begun();
    assert_eq!(one.get(&path).status, 303);
    assert_eq!(two.get(&path).status, 410, "it was used");
    assert_eq!(adding.end(&second), "done ada@example.com");
    assert_eq!(google.grants().len(), 2);
    adding.close();
}

/// A proxy may keep or remove the path of the public URL, and may send any `Host`.
#[test]
fn behind_a_proxy_it_answers_at_its_path_and_below_that_of_the_public_url() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://host.example/connections");
    let serving = Serving::start(&machine);
    assert_eq!(serving.url, "https://host.example/connections");
    for path in ["/", "/connections", "/healthz", "/connections/healthz"] {
        let answer = ask(serving.address, "host.example", "GET", path, "", b"");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    for path in ["/callback/gmail?code=x&state=y", "/connections/callback/gmail?code=x&state=y", "/nowhere"] {
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
    for path in ["/setups", "/connections/setups"] {
        let refused = serving.ask("POST", path, "content-type: application/json\r\n", br#"{"kind":"github"}"#);
        assert!(
            matches!(refused.status, 404 | 405) && refused.body.is_empty(),
            "it begins nothing for strangers: {refused:?}"
        );
    }
    // The page and the API are at both, and the page finds its files below the path.
    let page = ask(serving.address, "host.example", "GET", "/connections/connect/github", "", b"");
    let assets = page.body.split('"').find(|part| part.ends_with("/main.js")).unwrap();
    assert!(assets.starts_with("/connections/assets/"), "{assets}");
    for path in [assets, assets.strip_prefix("/connections").unwrap()] {
        assert_eq!(ask(serving.address, "host.example", "GET", path, "", b"").status, 200, "{path}");
    }
    for path in ["/api/v1/me", "/connections/api/v1/me"] {
        assert_eq!(ask(serving.address, "host.example", "GET", path, "", b"").status, 401, "{path}");
        assert_eq!(ask(serving.address, "other.example", "GET", path, "", b"").status, 421, "{path}");
    }
}

/// T09: a page whose host name was pointed to this machine learns nothing.
#[test]
fn a_loopback_server_answers_only_to_its_own_names() {
    let machine = machine();
    let serving = Serving::start(&machine);
    for (host, status) in [(serving.address.to_string(), 200), ("evil.example".to_owned(), 421)] {
        assert_eq!(ask(serving.address, &host, "GET", "/healthz", "", b"").status, status, "{host}");
    }
}
