//! The signals with which a person or a system ends a program.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};
use signal_hook::flag::register_conditional_default;

use crate::failure::Failure;

/// Gives the signals their default actions, here and in every tool that is started, even if they were ignored.
///
/// `nohup`, and a script that starts this program in the background, ignore some of them, and a tool inherits what is
/// ignored. It does not inherit a handler, and begins with the default action instead. The handlers do what the default
/// actions do.
pub(crate) fn reset() -> Result<(), Failure> {
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        register_conditional_default(signal, Arc::new(AtomicBool::new(true)))
            .map_err(|error| Failure::new(format!("cannot reset signal {signal}: {error}")))?;
    }
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::process;

    /// The variable with which the test starts itself in a process that ignores the signals.
    const INSIDE: &str = "XTASK_TEST_SIGNALS";

    #[test]
    fn a_signal_that_was_ignored_has_its_default_action_in_a_tool() {
        if std::env::var_os(INSIDE).is_some() {
            assert_eq!(ignored_by_a_tool(), 0b111, "the control");
            reset().unwrap();
            assert_eq!(ignored_by_a_tool(), 0);
            return;
        }
        let script = "trap '' HUP INT QUIT; exec \"$0\" --exact \"$1\" --nocapture";
        let test = "process::signals::tests::a_signal_that_was_ignored_has_its_default_action_in_a_tool";
        let mut inside = Command::new("sh");
        inside.args(["-c", script]).arg(std::env::current_exe().unwrap()).arg(test).env(INSIDE, "1");
        let said = process::output(&mut inside).unwrap();
        assert!(said.contains("1 passed"), "{said}");
    }

    /// Returns the signals 1 to 3, which are HUP, INT and QUIT, that a tool ignores, as a bit for each.
    fn ignored_by_a_tool() -> u64 {
        let line = process::output(Command::new("grep").args(["SigIgn:", "/proc/self/status"])).unwrap();
        u64::from_str_radix(line.trim_start_matches("SigIgn:").trim(), 16).unwrap() & 0b111
    }
}
