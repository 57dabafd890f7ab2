//! The form of a plugin's events in the host's log.
#![cfg(feature = "workspace-tests")]

use connection_contract::{DisplayText, Kind, LogEvent, LogLevel, LogService};
use connection_faults::log::TestLog;

use super::TracingLog;
#[test]
fn an_event_is_one_line_with_its_kind_name_and_values() {
    check(
        LogEvent::new("rate_limited").with("status", 429).with("scope", "core"),
        "INFO connections::plugin kind=github name=\"rate_limited\" fields=status=429 scope=core\n",
    );
    check(LogEvent::new("odd").level(LogLevel::Warn), "WARN connections::plugin kind=github name=\"odd\" fields=\n");
    check(LogEvent::new("x").level(LogLevel::Debug), "DEBUG connections::plugin kind=github name=\"x\" fields=\n");
}

#[test]
fn a_value_cannot_begin_a_line_of_its_own() {
    let forged = DisplayText::from("a\nERROR forged\u{1b}[31m".to_owned());
    check(
        LogEvent::new("x").with("na\nme", forged),
        "INFO connections::plugin kind=github name=\"x\" fields=name=aERROR forged[31m\n",
    );
}

#[track_caller]
fn check(event: LogEvent, expected: &str) {
    let log = TestLog::of_this_thread();
    TracingLog::new(Kind::from_static("github")).log(event);
    assert_eq!(log.text(), expected);
}
