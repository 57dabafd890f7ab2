//! The afternoon of an agent, as the guide tells it: a person lets a program in, it is refused, asks, waits for the person,
//! and is frozen. Each answer that the guide shows is the one that the program got.

use std::{collections::BTreeSet, path::Path};

use connection_faults::{browser::Browser, script::Script};
use serde_json::{Value, json};

use super::{
    click,
    consent::{TICK, led, line},
    enter, go, loaded,
    pictures::picture,
};
use crate::{
    serve::{Serving, machine},
    visit::visit_with_failing_requests,
};

const GUIDE: &str = "../../docs/guide/afternoon.md";
/// The id of the agent in the guide.
const AGENT: &str = "01a22427-8a2a-7017-af5f-aa711e835764";
/// The size of the page on a phone.
const PHONE: (u32, u32) = (390, 844);
const LOCK: &str = "/repos/octocat/hello-world/issues/1/lock";
const ENABLED: &str = "
    const found = [...document.querySelectorAll('button')].find((each) => each.innerText.includes('Approve'));
    return found !== undefined && !found.disabled";

/// Calls a tool, and returns what the model reads.
fn calls(script: &mut Script, tool: &str, arguments: &Value) -> String {
    script.write(&json!({ "tool": tool, "arguments": arguments }).to_string()).unwrap();
    answer(script)
}

fn answer(script: &mut Script) -> String {
    let got = line(script);
    got["text"].as_str().unwrap_or_else(|| panic!("{got}")).to_owned()
}

/// The guide, and the answers that it does not show.
struct Guide {
    text: String,
    /// The texts that differ from run to run, each with the one that stands in the guide.
    different: Vec<(String, &'static str)>,
    missing: Vec<String>,
    /// The blocks that an answer had.
    seen: BTreeSet<String>,
}

impl Guide {
    fn read(serving: &Serving) -> Self {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE)).unwrap();
        Self {
            text,
            different: vec![(serving.address.to_string(), "127.0.0.1:8745")],
            missing: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Returns the block of this language.
    fn block(&self, language: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    }

    /// Notes an answer, unless the guide shows lines of it.
    fn shows(&mut self, answer: &str) {
        let answer = self.different.iter().fold(answer.to_owned(), |answer, (is, shown)| answer.replace(is, shown));
        let found = self.answers().into_iter().find(|block| answer.contains(block)).map(str::to_owned);
        match found {
            Some(block) => drop(self.seen.insert(block)),
            None => self.missing.push(answer),
        }
    }

    /// Returns the blocks with answers.
    fn answers(&self) -> Vec<&str> {
        let blocks = self.text.split("```text\n").skip(1);
        blocks.filter_map(|rest| Some(rest.split_once("```")?.0.trim_end())).collect()
    }
}

async fn approves(browser: &Browser, serving: &Serving) {
    go(browser, serving, "/approvals").await;
    browser.shows("1 request waits for you").await;
    picture(browser, "phone-approvals.png").await;
    click(browser, &format!("PUT {LOCK}")).await;
    browser.shows("Nothing like it ran in the last thirty days").await;
    picture(browser, "phone-approval.png").await;
    browser.run("document.querySelector('.request-end').scrollIntoView()", Vec::new()).await;
    browser.until("the request was read to its end", ENABLED, Vec::new()).await;
    click(browser, "Approve and send once").await;
    browser.shows("Sent, answered with").await;
}

#[test]
fn an_agent_is_let_in_refused_permitted_approved_and_frozen() {
    let Some((mut script, _)) = Script::start("../../../tests/mcp/sign-in.mjs", "") else { return };
    let machine = machine();
    machine.add_github("octocat").exits(0);
    let serving = Serving::with_page(&machine);
    let mut guide = Guide::read(&serving);
    let locked = || machine.provider.seen().into_iter().filter(|seen| seen.path == LOCK).count();
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        browser.set_view(PHONE.0, PHONE.1).await;
        let url = format!("http://{}/mcp", serving.address);
        led(&mut script, browser, &machine, &json!({ "generation": 2, "name": "Example", "url": url })).await;
        browser.until("the connection is listed", TICK, vec![json!("octocat")]).await;
        picture(browser, "phone-consent.png").await;
        click(browser, "Allow 1 connection").await;
        browser.shows("You can close this window").await;
        let got = line(&mut script);
        guide.shows(got["listed"].as_str().unwrap());

        let connection = "github:octocat";
        let read = json!({ "connection": connection, "method": "GET", "path": "/user" });
        guide.shows(&calls(&mut script, "send_request", &read));
        let lock = json!({ "connection": connection, "method": "PUT", "path": LOCK });
        guide.shows(&calls(&mut script, "send_request", &lock));
        assert_eq!(locked(), 0);
        let permit = json!({ "need": "permit", "connection": connection, "why": "The issue is settled." });
        guide.shows(&calls(&mut script, "request_access", &permit));

        machine.write("lock.toml", guide.block("toml").as_bytes());
        let permitted = ["agents", "grant", "example", connection, "--rules", "lock.toml", "--yes"];
        machine.run(&permitted).exits(0);
        // The server sees the change, which another process made, within half a second.
        let is_asked = |script: &mut Script| calls(script, "check_request", &lock).contains("a person is asked");
        assert!((0..1000).any(|_| is_asked(&mut script)), "the new rules do not hold");
        // GitHub answers so: https://docs.github.com/en/rest/issues/issues#lock-an-issue
        machine.provider.tell(204, "", "");
        script.write(&json!({ "tool": "send_request", "arguments": lock }).to_string()).unwrap();
        approves(browser, &serving).await;
        guide.shows(&answer(&mut script));
        assert_eq!(locked(), 1);

        let uses = machine.run(&["uses", "--agent", "example"]).exits(0);
        let of_lock = uses.out.lines().filter(|line| line.contains(LOCK));
        let outcomes: Vec<_> = of_lock.filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(outcomes, ["denied", "asked", "204"], "{}", uses.out);
        let agent = machine.run(&["agents", "show", "example", "--json"]).exits(0).json();
        guide.different.push((agent["id"].as_str().unwrap().to_owned(), AGENT));
        go(browser, &serving, "/agents/example").await;
        browser.shows("is asked about before PUT").await;
        loaded(browser).await;
        picture(browser, "phone-agent.png").await;
        machine.run(&["freeze", "--agent", "example"]).exits(0);
        guide.shows(&calls(&mut script, "send_request", &read));
        assert_eq!(locked(), 1);
    });
    let never: Vec<_> = guide.answers().into_iter().filter(|block| !guide.seen.contains(*block)).collect();
    assert!(never.is_empty(), "the program never got:\n{}", never.join("\n---\n"));
    assert!(guide.missing.is_empty(), "the guide does not show:\n{}", guide.missing.join("\n---\n"));
}
