//! Repair in place: `reauthorize` and `rollback`, as used by a person or a script.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use crate::{
    program::{Machine, Ran},
    provider::{NOTION_KEY, OTHER_TOKEN, TOKEN},
};

const REFUSAL: &str = r#"{"message":"Bad credentials"}"#;

/// Sends a request, and returns the token that it carried.
fn used(machine: &Machine) -> &'static str {
    machine.run(&["send", "github", "/user"]).exits(0);
    let last = machine.provider.seen().pop().unwrap();
    if last.headers["authorization"].ends_with(TOKEN) { TOKEN } else { OTHER_TOKEN }
}

fn reauthorize(machine: &Machine, more: &[&str]) -> Ran {
    machine.write("other", OTHER_TOKEN.as_bytes());
    let mut arguments = vec!["reauthorize", "github", "--field", "accessToken=@other"];
    arguments.extend(more);
    machine.run(&arguments)
}

#[test]
fn a_refused_connection_is_mended_in_place_by_the_command_that_the_list_names() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let id = machine.run(&["show", "github", "--json"]).json()["id"].clone();
    machine.provider.tell(401, "", REFUSAL);
    let mend = "connections reauthorize github:work";
    machine.run(&["verify", "--all"]).exits(4).says(mend);
    machine.run(&["list"]).exits(0).says(mend);
    machine.run(&["show", "github"]).exits(0).says(mend);
    machine.provider.behave();
    let done = reauthorize(&machine, &[]).exits(0);
    assert!(done.out.starts_with("Reauthorized octocat (github:work) · live · token expires "), "{}", done.out);
    assert_eq!(used(&machine), OTHER_TOKEN);
    let row = machine.run(&["show", "github", "--json"]).json();
    assert_eq!((&row["id"], &row["label"], &row["liveness"]), (&id, &"work".into(), &"live".into()));
}

#[test]
fn going_back_asks_first_and_says_what_is_there_now() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let none = machine.run(&["rollback", "github", "--yes", "--json"]).exits(6).error();
    assert_eq!(none["error"]["code"], "no_previous");
    reauthorize(&machine, &[]).exits(0);
    machine.run(&["rollback", "github"]).exits(2).warns("add --yes");
    assert_eq!(used(&machine), OTHER_TOKEN);
    let done = machine.run(&["rollback", "github", "--yes"]).exits(0);
    assert!(done.out.starts_with("Rolled back octocat (github:work) · live"), "{}", done.out);
    assert_eq!(used(&machine), TOKEN);
    machine.provider.tell(401, "", REFUSAL);
    machine
        .run(&["rollback", "github", "--yes"])
        .exits(6)
        .warns("cannot be restored")
        .warns("does not accept this token");
    machine.provider.behave();
    assert_eq!(used(&machine), TOKEN);
}

#[test]
fn another_account_is_refused_with_the_option_that_allows_it() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"login":"hubot","id":2,"type":"User"}"#);
    reauthorize(&machine, &[]).exits(6).warns("hubot (2)").warns("octocat (583231)").warns("--another-account");
    let row = reauthorize(&machine, &["--another-account", "--json"]).exits(0).json();
    assert_eq!((&row["label"], &row["account"]["label"]), (&"work".into(), &"hubot".into()));
    assert_eq!(machine.run(&["list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn one_that_waits_says_of_which_connection_it_is_and_is_resumed() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let id = machine.run(&["show", "github", "--json"]).json()["id"].as_str().unwrap().to_owned();
    machine.provider.tell(503, "", "");
    reauthorize(&machine, &[]).exits(3).warns("connections setup resume");
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    assert_eq!(setups[0]["reauthorizes"], id.as_str());
    machine.run(&["setup", "list"]).exits(0).says(id.get(id.len() - 8..).unwrap());
    machine.provider.behave();
    assert_eq!(used(&machine), TOKEN);
    let setup = setups[0]["id"].as_str().unwrap();
    machine.run(&["setup", "resume", setup]).exits(0).says("Reauthorized octocat (github:work) · live");
    assert_eq!(used(&machine), OTHER_TOKEN);
}

#[test]
fn without_an_answer_or_with_an_unknown_one_nothing_is_begun() {
    let machine = Machine::new();
    machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "notion", "--field", "apiKey=@key"]).exits(0);
    machine.run(&["reauthorize", "notion"]).exits(2).warns("apiKey").warns("--input");
    machine.run(&["reauthorize", "notion", "--field", "accessToken=@key"]).exits(2).warns("no field 'accessToken'");
    machine.run(&["reauthorize", "github"]).exits(5);
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    machine.run(&["reauthorize", "notion", "--field", "apiKey=@key"]).exits(0).says("Reauthorized Ada's Notion");
}
