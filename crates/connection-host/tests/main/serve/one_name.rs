//! The page and the callbacks of a server on this machine have one name, so that both have the same cookies. Other
//! names of this machine lead to it, and the API answers to all of them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Answer, Serving, ask, machine};

fn get(address: SocketAddr, host: &str, path: &str) -> Answer {
    ask(address, host, "GET", path, "connection: close\r\n", b"")
}

#[test]
fn another_name_of_this_machine_leads_to_the_name_of_the_page() {
    for name in ["127.0.0.1", "localhost"] {
        let mut machine = machine();
        if name == "localhost" {
            machine.set("CONNECTIONS_INBOUND__LOCAL_NAME", name);
        }
        let serving = Serving::with_page(&machine);
        let port = serving.address.port();
        let own = format!("{name}:{port}");
        assert_eq!(serving.url, format!("http://{own}"));
        assert!(serving.page.as_deref().unwrap().starts_with(&format!("http://{own}/#code=")), "{:?}", serving.page);
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let host = format!("{host}:{port}");
            for path in ["/", "/connections?q=a%2Fb", "/link", "/callback/gmail?code=x&state=y", "/callback/gmail/go/x"] {
                let answer = get(serving.address, &host, path);
                let leads = (answer.status, answer.header("location").map(str::to_owned));
                match host == own {
                    true => assert_ne!(answer.status, 307, "{host} {path}"),
                    false => assert_eq!(leads, (307, Some(format!("http://{own}{path}"))), "{host} {path}"),
                }
            }
            for (path, status) in [("/healthz", 200), ("/api/v1/openapi.json", 200), ("/api/v1/me", 401)] {
                assert_eq!(get(serving.address, &host, path).status, status, "{host} {path}");
            }
            let proof = get(serving.address, &host, "/callback/-/proof?challenge=c");
            assert_eq!(proof.status, 200, "a host that checks itself names its own address");
        }
    }
}

/// The redirect address at the provider has the name of the page, because the page gives the cookies of a setup.
#[test]
fn callbacks_have_the_name_of_the_page() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__LOCAL_NAME", "localhost");
    let serving = Serving::start(&machine);
    let token = machine.run(&["tokens", "create", "a program", "--role", "manage"]).exits(0).out;
    let headers = format!("authorization: Bearer {}\r\nconnection: close\r\n", token.trim());
    let shown = serving.ask("GET", "/api/v1/kinds/gmail", &headers, b"");
    let kind: Value = serde_json::from_str(&shown.body).unwrap();
    assert_eq!(kind["redirectUri"], format!("http://localhost:{}/callback/gmail", serving.address.port()));
}

#[test]
fn every_refusal_of_another_host_is_a_problem_document() {
    let serving = Serving::start(&machine());
    let port = serving.address.port();
    for host in ["evil.example", "host.docker.internal", &format!("localhost.:{port}"), "localhost", "127.0.0.1:1", ""] {
        for path in ["/", "/api/v1/me", "/healthz", "/callback/gmail", "/nowhere"] {
            let refused = get(serving.address, host, path);
            assert_eq!(refused.status, 421, "{host} {path}");
            assert_eq!(refused.header("content-type"), Some("application/problem+json"), "{host} {path}");
            let problem: Value = serde_json::from_str(&refused.body).unwrap();
            let members = ["type", "title", "status", "detail", "code", "remedy", "field", "problems", "made"];
            let named: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(members.iter().all(|member| named.contains(member)) && named.len() == members.len(), "{problem}");
            assert_eq!((&problem["status"], &problem["code"]), (&json!(421), &json!("other_host")));
            assert_eq!(problem["remedy"], format!("use the address {}", serving.url), "{host} {path}");
        }
    }
    assert_eq!(serving.get("/").status, 200, "the control");
}
