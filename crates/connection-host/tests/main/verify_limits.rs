//! The settings `verify.at_once` and `verify.per_provider` limit how many connections a command verifies at once.

use std::process::{Child, Stdio};

use crate::{imports, program::Machine};

/// The number of connections, which is more than the settings allow and less than the program does without them.
const CONNECTIONS: usize = 12;

/// Returns a machine with connections of one provider.
fn machine() -> Machine {
    let machine = Machine::new();
    let line = |number: usize| format!("{}\n", imports::github(&number.to_string(), &format!("l{number}")));
    machine.feed(&["import", "-"], &(0..CONNECTIONS).map(line).collect::<String>()).exits(0);
    machine
}

/// Starts to verify all connections, and returns once the provider has been asked this number of times. It answers
/// nothing.
fn verifying(machine: &Machine, times: usize) -> Child {
    let asked = machine.provider.fall_silent();
    let mut command = machine.command();
    command.args(["verify", "--all"]).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("it runs");
    (0..times).for_each(|_| asked.recv().expect("the provider is asked"));
    child
}

#[test]
fn no_more_connections_are_verified_at_once_than_the_settings_say() {
    for setting in ["CONNECTIONS_VERIFY__AT_ONCE", "CONNECTIONS_VERIFY__PER_PROVIDER"] {
        let mut machine = machine();
        machine.set(setting, "2");
        let mut verifying = verifying(&machine, 2);
        // Another command runs to its end meanwhile, so every request that may be sent has been sent.
        machine.run(&["list"]).exits(0);
        assert_eq!(machine.provider.seen().len(), 2, "{setting}");
        verifying.kill().expect("it runs");
        verifying.wait().expect("it ends");
    }
}

/// The control for the test above.
#[test]
fn without_a_setting_a_few_connections_are_verified_at_once() {
    let machine = machine();
    let mut verifying = verifying(&machine, CONNECTIONS);
    verifying.kill().expect("it runs");
    verifying.wait().expect("it ends");
}
