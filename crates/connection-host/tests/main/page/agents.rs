//! Agents on the page: a person creates one, sees in words what it may do, and sees the difference of a change before it
//! is saved.

use connection_faults::{browser::Browser, sql};
use serde_json::json;

use super::{click, enter, go, screens};
use crate::{
    program::Machine,
    serve::Serving,
    visit::{check_errors, visit_with_failing_requests},
};

/// Chooses a value in the first list of the open dialog.
const CHOOSE: &str = "
    const list = document.querySelector('dialog[open] select');
    if (![...list.options].some((option) => option.value === arguments[0])) return false;
    list.value = arguments[0];
    list.dispatchEvent(new Event('change', { bubbles: true }));
    return list.value === arguments[0]";
const CLOSED: &str = "return document.querySelector('dialog[open]') === null";
/// What the command says, too.
const NOT_CONFIRMED: &str = "Not confirmed within a second by process 7 on elsewhere: a request that was begun there \
                             may still be sent. No other one begins there before this is read.";

#[test]
fn a_person_lets_agents_use_connections_and_sees_what_changes_permit() {
    let machine = screens::furnished();
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        creates_an_agent_and_sees_what_a_change_permits(browser, &serving, &machine).await;
        check_errors(browser).await;
        sees_a_budget_and_is_refused_a_change_of_what_was_not_shown(browser, &serving, &machine).await;
        proposes_rules_from_what_an_agent_did(browser, &serving, &machine).await;
        is_told_which_process_has_not_confirmed(browser, &serving, &machine).await;
    });
}

async fn creates_an_agent_and_sees_what_a_change_permits(browser: &Browser, serving: &Serving, machine: &Machine) {
    go(browser, serving, "/agents").await;
    click(browser, "New agent").await;
    browser.write("dialog input", "Deploy Bot").await;
    browser.click("dialog button[type=submit]").await;
    browser.shows("Use 1 to 64 of the characters a-z, 0-9 and -.").await;
    browser.write("dialog input", "").await;
    browser.run("document.querySelector('dialog input').value = ''", Vec::new()).await;
    browser.write("dialog input", "deploy").await;
    browser.click("dialog button[type=submit]").await;
    browser.shows("It may use nothing yet.").await;

    click(browser, "Grant a connection").await;
    click(browser, "Choose: work").await;
    browser.shows("is asked about before GET or HEAD").await;
    browser.until("a preset is chosen", CHOOSE, vec![json!("read")]).await;
    browser.shows("may send GET or HEAD").await;
    click(browser, "Grant").await;
    browser.until("the dialog is closed", CLOSED, Vec::new()).await;
    browser.shows("may send GET or HEAD").await;
    let shown = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    assert_eq!(shown["grants"][0]["preset"], "read");

    click(browser, "Change the rules: work").await;
    browser.until("a preset is chosen", CHOOSE, vec![json!("ask")]).await;
    browser.shows("No longer").await;
    browser.shows("For example:").await;
    click(browser, "Save the change").await;
    browser.until("the dialog is closed", CLOSED, Vec::new()).await;
    let shown = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    assert_eq!(shown["grants"][0]["preset"], "ask");

    click(browser, "New token").await;
    browser.click("dialog button[type=submit]").await;
    browser.shows("It is not shown again").await;
    click(browser, "Done").await;
    click(browser, "Revoke: work").await;
    click(browser, "Revoke").await;
    browser.until("the dialog is closed", CLOSED, Vec::new()).await;
    browser.shows("Grant it again").await;
    click(browser, "Remove the agent").await;
    click(browser, "Remove the agent").await;
    browser.until("the agent is gone", "return location.pathname.endsWith('/agents')", Vec::new()).await;
    machine.run(&["agents", "show", "deploy"]).exits(5);
}

/// The screen says what is left of a budget, and of a change that another person made meanwhile, it says so and saves
/// nothing.
async fn sees_a_budget_and_is_refused_a_change_of_what_was_not_shown(
    browser: &Browser,
    serving: &Serving,
    machine: &Machine,
) {
    go(browser, serving, "/agents/nightly-report").await;
    browser.shows("500 of 500 requests left.").await;
    click(browser, "Change the rules: work").await;
    browser.until("a preset is chosen", CHOOSE, vec![json!("read")]).await;
    browser.shows("No longer").await;
    machine.run(&["agents", "grant", "nightly-report", "github", "--rules", "ask", "--yes"]).exits(0);
    click(browser, "Save the change").await;
    browser.shows("changed").await;
    let shown = machine.run(&["agents", "show", "nightly-report", "--json"]).exits(0).json();
    assert_eq!(shown["grants"][0]["preset"], "ask");
}

/// The proposal is what the record shows, and is saved as every other change: after its difference was shown.
async fn proposes_rules_from_what_an_agent_did(browser: &Browser, serving: &Serving, machine: &Machine) {
    let token = machine.run(&["agents", "token", "nightly-report"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "grant", "nightly-report", "github", "--rules", "read", "--yes"]).exits(0);
    go(browser, serving, "/agents/nightly-report").await;
    click(browser, "Change the rules: work").await;
    click(browser, "Propose rules from the record").await;
    browser.shows("there is nothing to propose").await;
    click(browser, "Cancel").await;
    let mut curl = machine.command_of_system("curl");
    curl.args(["-sS", "--noproxy", "*", "-H", &format!("Authorization: Bearer {token}")]);
    let asked = curl.arg(format!("http://{}/use/github:work/user", serving.address)).output().unwrap();
    assert!(String::from_utf8_lossy(&asked.stdout).contains("octocat"), "{asked:?}");
    click(browser, "Change the rules: work").await;
    click(browser, "Propose rules from the record").await;
    browser.shows("These rules cover the 1 allowed request on record.").await;
    browser.shows("may send GET /user").await;
    browser.shows("No longer").await;
    click(browser, "Save the change").await;
    browser.until("the dialog is closed", CLOSED, Vec::new()).await;
    let shown = machine.run(&["agents", "show", "nightly-report", "--json"]).exits(0).json();
    let words = shown["grants"][0]["words"].as_array().unwrap();
    let permitted: Vec<_> = words.iter().filter(|words| words.as_str().unwrap().starts_with("may send")).collect();
    assert_eq!(permitted, ["may send GET /user"]);
}

/// A process that does not answer is named where the result is.
async fn is_told_which_process_has_not_confirmed(browser: &Browser, serving: &Serving, machine: &Machine) {
    go(browser, serving, "/agents/nightly-report").await;
    click(browser, "Revoke: work").await;
    announce_another_process(machine).await;
    click(browser, "Revoke").await;
    browser.shows(&format!("The grant for work was revoked. {NOT_CONFIRMED}")).await;
    click(browser, "Freeze").await;
    announce_another_process(machine).await;
    click(browser, "Freeze").await;
    let script = "return document.querySelector('dialog[open]')?.innerText.includes(arguments[0]) ?? false";
    browser.until("the dialog names the process", script, vec![json!(NOT_CONFIRMED)]).await;
    click(browser, "Done").await;
    click(browser, "Remove the agent").await;
    announce_another_process(machine).await;
    click(browser, "Remove the agent").await;
    browser.shows(&format!("nightly-report was removed. {NOT_CONFIRMED}")).await;
}

/// Announces a process that takes in nothing, such as one that was stopped a moment ago.
async fn announce_another_process(machine: &Machine) {
    let row = "INSERT OR REPLACE INTO connection_presence (id, name, seen_at, confirmed) \
               VALUES ('other', 'process 7 on elsewhere', unixepoch() + 4, -1)";
    assert_eq!(sql::run(&sql::Database::at(&machine.address()), row).await, 1);
}
