//! Setups that wait: listed, gone on with, cancelled.

use crate::program::Machine;

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
    machine.run(&["setup", "list"]).exits(0).says("No setup waits");
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
