//! Setups that wait: listed, resumed and cancelled.

use crate::program::{Machine, check};

#[test]
fn a_setup_whose_provider_is_down_waits_and_is_resumed() {
    let machine = Machine::new();
    machine.provider.tell(503, "", "");
    machine.add_github("work").exits(3).warns("connections setup resume");
    machine.run(&["list"]).exits(0).says("Nothing is connected");
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "list"]).exits(0).says("github").says("waiting").says(id.get(id.len() - 8..).unwrap());
    machine.run(&["setup", "resume", &id]).exits(3).warns("connections setup resume");
    machine.provider.behave();
    let short = id.get(id.len() - 8..).unwrap();
    machine.run(&["setup", "resume", short]).exits(0).says("Connected octocat (github:work) · live");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn the_list_of_setups_says_until_when_a_provider_asks_to_wait() {
    let machine = Machine::new();
    machine.provider.tell(429, "retry-after: 120\r\n", "");
    machine.add_github("work").exits(3);
    machine
        .run(&["setup", "list"])
        .exits(0)
        .says("api.github.com answered 429 Too Many Requests and asks to wait until 2");
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    check(&setups[0], "setup");
    check(&setups[0]["reason"], "reason");
    assert_eq!(setups[0]["reason"]["code"], "rate_limited");
    let id = setups[0]["id"].as_str().unwrap();
    let cancelled = machine.run(&["setup", "cancel", id, "--json"]).exits(0).json();
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&"cancelled".into(), &serde_json::Value::Null));
}

#[test]
fn a_waiting_setup_is_cancelled_and_leaves_nothing() {
    let machine = Machine::new();
    machine.provider.tell(503, "", "");
    machine.add_github("work").exits(3);
    let id = machine.run(&["setup", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "cancel", &id]).exits(0).says("nothing was kept");
    machine.run(&["setup", "cancel", &id]).exits(5);
    machine.run(&["setup", "resume", &id]).exits(5);
    machine.provider.behave();
    machine.add_github("work").exits(0);
}

#[test]
fn an_answer_that_is_refused_only_when_the_setup_goes_on_is_told_as_refused() {
    let machine = Machine::new();
    machine.provider.tell(503, "", "");
    machine.add_github("work").exits(3);
    let id = machine.run(&["setup", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    machine.provider.tell(401, "", r#"{"message":"Bad credentials"}"#);
    machine.run(&["setup", "resume", &id]).exits(3).warns("GitHub does not accept this token");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[cfg(unix)]
#[test]
fn going_on_without_an_answer_or_with_an_unknown_one_loses_nothing() {
    let machine = Machine::new();
    let begun = {
        let mut command = machine.command();
        command.args(["add", "notion"]).env("TERM", "xterm").stdin(std::process::Stdio::inherit());
        let mut session = rexpect::session::spawn_command(command, Some(30_000)).unwrap();
        session.exp_string("Internal integration token").unwrap();
        session
    };
    // The process is killed at its prompt, so the setup still waits.
    drop(begun);
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(2).warns("apiKey").warns("--input");
    machine.feed(&["setup", "resume", &id, "--input", "-"], r#"{"apikey": "x"}"#).exits(2).warns("no field 'apikey'");
    let key = machine.write("key", crate::provider::NOTION_KEY.as_bytes());
    let field = format!("apiKey=@{key}");
    machine.run(&["setup", "resume", &id, "--field", &field]).exits(0).says("Connected ");
}
