//! Scripts and markup in the texts of providers, kinds, extensions and people: the page shows them as they are.

use serde_json::json;

use super::{ACME, add_acme, click, enter, go, loaded, screens};
use crate::{
    program::Machine,
    provider::NOTION_KEY,
    serve::{Serving, machine},
    visit::visit_with_failing_requests,
};

/// Each of these would set `hit`, or make an element, if it were not shown as text.
const CORPUS: [&str; 6] = [
    "<img src=x onerror=\"window.hit=1\">",
    "\"><script>window.hit=1</script>",
    "{{constructor.constructor(\"window.hit=1\")()}}",
    "';window.hit=1;//",
    "<svg/onload=window.hit=1>",
    "&lt;b&gt;<b>x</b>",
];

/// One of the above, by which a screen is recognized that shows all of them.
const SHOWN: &str = CORPUS[4];

/// Returns what a script of the corpus has done, and the elements that were made of a text.
const FOUND: &str = "
    const made = [...document.querySelectorAll('#app :is(img, script, b, [onerror], [onload]), title *')];
    return [window.hit ?? null, made.map((element) => element.outerHTML)]";

#[test]
fn scripts_and_markup_in_texts_of_others_are_shown_and_neither_run_nor_made() {
    let machine = machine();
    let id = connected(&machine);
    let visits = [
        ("/", "/".to_owned(), true),
        ("/connections", "/connections?search=nothing%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(), false),
        ("/connections/:id", format!("/connections/{id}"), true),
        ("/connect", "/connect?search=acme".to_owned(), true),
        ("/connect/:kind", "/connect/%3Cscript%3Ewindow.hit=1%3C%2Fscript%3E".to_owned(), false),
        ("/connect/:kind", "/connect/acme".to_owned(), true),
        ("/extensions", "/extensions".to_owned(), true),
        ("/extensions/:name", "/extensions/issues".to_owned(), true),
        ("/agents", "/agents".to_owned(), true),
        ("/agents/:name", "/agents/deploy".to_owned(), true),
        ("/consent", "/consent#request=%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(), false),
        ("/profiles", "/profiles".to_owned(), false),
        ("/usage", "/usage".to_owned(), false),
        ("/activity", "/activity".to_owned(), true),
        ("/uses", "/uses".to_owned(), true),
        ("/system", "/system".to_owned(), true),
    ];
    screens::check_visited(visits.iter().map(|(pattern, ..)| *pattern).chain([
        "/setups/:id",
        "/approvals",
        "/approvals/:id",
    ]));
    let serving = Serving::with_page(&machine);
    let approval = asked(&machine, &serving, &id);
    visit_with_failing_requests(async |browser| {
        browser.resize(1280, 900).await;
        enter(browser, &serving).await;
        let check = async |name: &str, is_shown: bool| {
            loaded(browser).await;
            if is_shown {
                browser.shows(SHOWN).await;
            }
            let found = browser.run(FOUND, Vec::new()).await;
            assert_eq!(found, json!([null, []]), "{name}");
        };
        for (_, path, is_shown) in &visits {
            go(browser, &serving, path).await;
            check(path, *is_shown).await;
        }
        for (path, name) in
            [(format!("/connections/{id}"), "Remove"), ("/extensions/issues".into(), "Remove the extension")]
        {
            go(browser, &serving, &path).await;
            click(browser, name).await;
            check(name, true).await;
        }
        for path in ["/approvals".to_owned(), format!("/approvals/{approval}")] {
            go(browser, &serving, &path).await;
            check(&path, true).await;
        }
        for text in CORPUS {
            browser.shows(text).await;
        }
        go(browser, &serving, "/connect/acme").await;
        browser.click("form button[type=submit]").await;
        browser.until("a setup has begun", "return location.pathname.startsWith('/setups/')", Vec::new()).await;
        check("a form", true).await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("This account was not connected").await;
        check("the end of a setup", true).await;
        go(browser, &serving, "/connect").await;
        check("what can be connected", true).await;
    });
}

/// Lets an agent ask for a request, all of whose texts are the corpus. Returns the id of its approval.
fn asked(machine: &Machine, serving: &Serving, id: &str) -> String {
    let rule = json!({ "name": SHOWN, "methods": ["POST"], "path": "/**", "effect": "ask" });
    let rules = machine.write("ask.json", json!({ "rule": [rule] }).to_string().as_bytes());
    let token = machine.run(&["agents", "create", "asker"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "grant", "asker", id, "--rules", &rules, "--yes"]).exits(0);
    let mut curl = machine.command_of_system("curl");
    curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-sS", "--noproxy", "*", "-H", "Prefer: wait=0", "-H"]);
    curl.arg(format!("Authorization: Bearer {token}")).args(["-H", "content-type: text/plain", "-H"]);
    curl.arg(format!("x-note: {SHOWN}")).args(["--data-binary", &CORPUS.join(" ")]);
    let output = curl.arg(format!("http://{}/use/{id}/notes?q=%3Cscript%3E", serving.address)).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["approval"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Connects an account and adds an extension, all of whose texts are the corpus. Returns the id of the connection.
fn connected(machine: &Machine) -> String {
    let corpus = CORPUS.join(" ");
    add_acme(machine, "");
    // Names and labels have at most a hundred characters.
    let name = format!("{} {}", CORPUS[0], CORPUS[4]);
    let (text, title) = (json!(corpus).to_string(), json!(name).to_string());
    let kind = ACME.replace("name = \"Acme\"", &format!("name = {title}\nguide = [{text}]"));
    let kind = kind.replace("label = \"API key\"", &format!("label = {text}\nhelp = {text}"));
    machine.write("configuration/kinds/acme.toml", kind.as_bytes());
    let account = json!({ "id": 7, "name": corpus }).to_string();
    machine.provider.tell(200, "content-type: application/json\r\n", &account);
    let key = json!({ "apiKey": NOTION_KEY }).to_string();
    let added = machine.feed(&["add", "acme", "--label", &name, "--input", "-", "--json"], &key).exits(0).json();
    let id = added["id"].as_str().unwrap().to_owned();
    let manifest = json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": "acme",
            "title": corpus,
            "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
            "connectGuide": corpus,
        },
        "preferences": [
            { "name": "open", "type": "checkbox", "title": corpus, "description": corpus, "default": true },
            { "name": "team", "type": "textfield", "title": corpus, "default": corpus },
        ],
    });
    let file = machine.write("issues.json", manifest.to_string().as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    machine.run(&["extensions", "grant", "issues", &id]).exits(0);
    let rules = json!({ "rule": [{ "name": SHOWN, "path": "/a", "effect": "allow" }] }).to_string();
    machine.write("rules.json", rules.as_bytes());
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["agents", "grant", "deploy", &id, "--rules", "rules.json"]).exits(0);
    machine.run(&["tokens", "create", &name]).exits(0);
    id
}
