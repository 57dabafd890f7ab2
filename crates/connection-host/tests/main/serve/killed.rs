//! `serve` is killed after a provider has answered and before the commit. The answer is not lost, and the code is not
//! spent twice.

use connection_faults::{state_files, write_lock::HeldLock};

use super::{Serving, adding::Adding, google::Google, machine, until};

#[test]
fn killed_between_answer_and_commit_the_next_one_goes_on_with_the_answer() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    google.hold();
    let (session, path) = adding.begun();
    // This `serve` continues the setup, and no process of the test does.
    drop(session);
    adding.close();
    assert_eq!(serving.get(&path).status, 303);
    google.until_asked(1);
    let held = HeldLock::of(&machine.address());
    google.release();
    let state = machine.state_directory();
    let is_kept = || state_files::count(&state) > 0;
    until("the answer is kept", is_kept);
    serving.kill();
    drop(held);
    machine.deserted();
    assert!(is_kept(), "the control: it was not committed");
    let _serving = Serving::start(&machine);
    until("the mailbox is connected", || {
        let rows = machine.run(&["list", "--json"]).exits(0).json();
        rows.as_array().is_some_and(|rows| rows.len() == 1 && rows[0]["liveness"] == "live")
    });
    assert_eq!(google.grants(), ["authorization_code"], "the code was sent once");
    assert!(!is_kept());
}
