//! The search for what to connect takes the address of an MCP server.

use connection_faults::browser::Key;
use serde_json::json;

use super::{click, enter, first_start, go, loaded};
use crate::{
    mcp::{begin, called, with_sign_in},
    mcp_server::{McpServer, Wants},
    real::browsed,
    serve::Serving,
    visit::{visit, visit_with_failing_requests},
};

#[test]
fn an_address_in_the_search_connects_the_server() {
    let (machine, server) = (first_start(), McpServer::start(Wants::Nothing));
    let serving = Serving::with_page(&machine);
    let address = format!("{}?key=s3cret", server.address);
    let visited = visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, "/connect").await;
        browser.write("form input[type=search]", &address).await;
        let one = "return document.querySelector('.kind-pick')?.innerText.includes('MCP server')";
        browser.until("the search finds the kind of MCP servers", one, Vec::new()).await;
        let path = browser.run("return location.search", Vec::new()).await;
        assert_eq!(path, "", "an address may hold a secret");
        browser.press(Key::Enter).await;
        browser.shows("Connected").await;
        loaded(browser).await;
    });
    if visited.is_some() {
        let shown = machine.run(&["show", "mcp", "--json"]).exits(0);
        assert_eq!(shown.json()["config"]["url"], server.address);
        assert!(!shown.out.contains("s3cret"), "{}", shown.out);
    }
}

#[test]
fn an_address_in_the_search_that_is_refused_is_asked_for_again() {
    let (machine, server) = (first_start(), McpServer::start(Wants::Nothing));
    let serving = Serving::with_page(&machine);
    // Neither address is asked: the host refuses both by their text.
    let refused = [
        ("https://ada@mcp.example/mcp", "is not a plain https address"),
        ("http://10.255.0.1/mcp", "is not encrypted"),
    ];
    let visited = visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        for (address, problem) in refused {
            go(browser, &serving, "/connect").await;
            browser.write("form input[type=search]", address).await;
            let one = "return document.querySelector('.kind-pick')?.innerText.includes('MCP server')";
            browser.until("the search finds the kind of MCP servers", one, Vec::new()).await;
            browser.press(Key::Enter).await;
            let shown = "
                const field = document.querySelector('[data-field=\"url\"]');
                const problem = field?.closest('.field').querySelector('.problem')?.innerText.toLowerCase();
                return field?.getAttribute('aria-invalid') === 'true' && problem?.includes(arguments[0]) === true
                    && field.value === arguments[1]";
            let given = vec![json!(problem), json!(address)];
            browser.until("the first question has the address and says what is wrong", shown, given).await;
        }
        // The person enters another address into the same form, in the place of the one that was refused.
        browser.run("document.querySelector('[data-field=\"url\"]').select()", Vec::new()).await;
        browser.write("[data-field=\"url\"]", &server.address).await;
        browser.press(Key::Enter).await;
        browser.shows("Connected").await;
        loaded(browser).await;
    });
    if visited.is_some() {
        let listed = machine.run(&["list", "--json"]).exits(0).json();
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(machine.run(&["show", "mcp", "--json"]).exits(0).json()["config"]["url"], server.address);
    }
}

#[test]
fn a_request_that_lacks_scopes_leads_to_a_page_that_shows_the_program_and_the_scopes() {
    let Some((_provider, server)) = with_sign_in() else { return };
    let mut machine = first_start();
    let mut adding = begin(&machine, &["add", &server.address, "--no-browser", "--yes"]);
    browsed(&adding.link());
    adding.end().exits(0).says("live");
    server.refuse_calls(403, r#", error="insufficient_scope", scope="profile email""#);
    let serving = Serving::with_page(&machine);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    let answer = called(&machine, "mcp");
    let error = &answer["error"]["data"];
    assert_eq!(error["code"], "scope_missing", "{answer}");
    let address = error["address"].as_str().unwrap();
    let path = address.strip_prefix(&serving.url).unwrap();
    let visited = visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, path).await;
        browser.shows("A program that calls itself “test” asks for more permissions").await;
        let chips = "return [...document.querySelectorAll('.note .chip')].map((chip) => chip.innerText)";
        let asked = browser.run(chips, Vec::new()).await;
        assert_eq!(asked, json!(["email"]), "the connection has the other scope");
        click(browser, "Sign in again and ask for them").await;
        browser.until("a setup begins", "return location.pathname.startsWith('/setups/')", Vec::new()).await;
        loaded(browser).await;
    });
    if visited.is_some() {
        let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
        assert_eq!(
            setups[0]["reauthorizes"],
            machine.run(&["show", "mcp", "--json"]).exits(0).json()["id"],
            "{setups}"
        );
    }
}
