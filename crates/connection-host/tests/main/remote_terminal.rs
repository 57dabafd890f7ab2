//! `--host` at a terminal: a server conducts the setup, and the questions are those that its own machine asks.

use rexpect::session::PtySession;

use crate::{
    provider::{NOTION_KEY, TOKEN},
    serve::{
        google::Google,
        machine,
        remote::Remote,
        remote_setups::{application, come_back},
    },
    terminal::{end, enter, start},
};

fn begin(remote: &Remote, arguments: &[&str]) -> PtySession {
    start(&remote.client, &remote.arguments(arguments))
}

#[test]
fn the_questions_are_those_of_the_machine_of_the_server_and_no_secret_is_echoed() {
    let remote = Remote::start("manage");
    let mut session = begin(&remote, &["add", "notion"]);
    let before = session.exp_string("Internal integration token").unwrap();
    assert!(before.contains("https://www.notion.so/profile/integrations"), "{before}");
    enter(&mut session, NOTION_KEY);
    let shown = session.exp_string("Connected ").unwrap();
    let rest = end(session, 0);
    assert!(!format!("{shown}{rest}").contains(NOTION_KEY), "{shown}{rest}");
    assert!(rest.contains("Ada's Notion"), "{rest}");
    // An optional field is offered by its question, and a wrong answer is asked for again.
    let mut session = begin(&remote, &["add", "github", "--label", "work"]);
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, "");
    session.exp_string("This question needs an answer").unwrap();
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, "ghp_wrong");
    session.exp_string("GitHub Enterprise?").unwrap();
    enter(&mut session, "");
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, TOKEN);
    session.exp_string("Connected octocat (github:work)").unwrap();
    end(session, 0);
    let mut session = begin(&remote, &["reauthorize", "github"]);
    session.exp_string("Authorize octocat (github:work) again").unwrap();
    session.exp_string("Personal access token").unwrap();
    session.send_control('c').unwrap();
    let rest = end(session, 3);
    assert!(rest.contains("github:work keeps its current credential"), "{rest}");
    remote.server.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    assert!(!remote.client.data().exists());
}

#[test]
fn a_person_picks_a_kind_of_the_server_and_is_asked_before_a_removal() {
    let remote = Remote::start("manage");
    let mut session = begin(&remote, &["add"]);
    session.exp_string("What to connect?").unwrap();
    enter(&mut session, "notion");
    session.exp_string("Internal integration token").unwrap();
    enter(&mut session, NOTION_KEY);
    session.exp_string("Connected ").unwrap();
    end(session, 0);
    for (answer, left) in [("n", "Ada's Notion"), ("y", "Nothing is connected")] {
        let mut session = begin(&remote, &["remove", "notion"]);
        session.exp_string("Remove Ada's Notion").unwrap();
        enter(&mut session, answer);
        end(session, 0);
        remote.run(&["list"]).exits(0).says(left);
    }
}

#[test]
fn a_person_confirms_the_account_that_a_browser_signed_in_to() {
    let server = machine();
    Google::of(&server, 3600);
    let remote = Remote::of(server, "manage");
    for (answer, exit, said) in [("n", 0, "was not confirmed"), ("y", 0, "Connected ada@example.com")] {
        let arguments = [&["add", "gmail", "--no-browser"], &application(&remote.client)[..]].concat();
        let mut session = begin(&remote, &arguments);
        session.exp_string("Open http://").unwrap();
        let rest = session.read_line().unwrap();
        assert!(rest.contains("/callback/gmail/go/"), "{rest}");
        session.exp_string("If it cannot reach the server, use --paste instead.").unwrap();
        come_back(&format!("http://{}", rest.trim()));
        session.exp_string("Connect the Gmail account ada@example.com?").unwrap();
        enter(&mut session, answer);
        session.exp_string(said).unwrap();
        end(session, exit);
    }
    remote.server.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn the_address_to_register_is_that_of_the_server() {
    let mut server = machine();
    server.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://connections.example");
    let remote = Remote::of(server, "manage");
    let mut session = begin(&remote, &["add", "gmail"]);
    session.exp_string("Redirect address to register: https://connections.example/callback/gmail").unwrap();
    session.exp_string("Client").unwrap();
    session.send_control('c').unwrap();
    end(session, 3);
}
