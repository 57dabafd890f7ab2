//! The search for what to connect takes the address of an MCP server.

use connection_faults::browser::Key;

use super::{enter, first_start, go, loaded};
use crate::{
    mcp_server::{McpServer, Wants},
    serve::Serving,
    visit::visit,
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
