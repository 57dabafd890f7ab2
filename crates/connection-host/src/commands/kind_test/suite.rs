//! The conformance suite over the script of a file.

use connection_manifest::{FileKind, RehearsedCall, RehearsedInput};
use connection_testkit::{
    Expected, Input, Reply,
    conformance::{CheckResult, Suite},
};

/// The redirect address of the fake host.
const CALLBACK: &str = "https://host.example/callback";

/// Runs the suite over the script that the file of a kind implies.
pub(super) fn results(kind: &FileKind) -> Vec<CheckResult> {
    let script = match kind.rehearsal() {
        Ok(script) => script,
        Err(failure) => {
            let rule = "the kind can be connected with answers that fit its file";
            return vec![CheckResult::failed("setup", rule, failure.message.to_string())];
        }
    };
    let made = kind.clone();
    let suite = Suite::new(move || made.clone())
        .host(|host| host.inbound_http(CALLBACK).key_value())
        .setup(script.inputs.iter().map(input), expected(&script.setup))
        .verify(expected(&script.verify))
        .refresh(expected(&script.refresh))
        .teardown(expected(&script.teardown))
        .revoke(expected(&script.revoke));
    if script.has_secret_in_address { suite.secret_in_address().results() } else { suite.results() }
}

fn input(input: &RehearsedInput) -> Input {
    let pairs = |pairs: &[(String, connection_contract::Secret)]| {
        pairs.iter().map(|(name, value)| (name.clone(), value.duplicate())).collect()
    };
    match input {
        RehearsedInput::Answers(answers) => Input::Answers(pairs(answers)),
        RehearsedInput::Callback(parameters) => Input::Callback(pairs(parameters)),
        RehearsedInput::Elapsed => Input::Elapsed,
    }
}

/// Returns the requests in order. Their queries may have random values, such as the proof of a code (RFC 7636).
fn expected(calls: &[RehearsedCall]) -> Vec<Expected> {
    let reply = |call: &RehearsedCall| {
        let text = Reply::text(200, &call.answer);
        call.headers.iter().fold(text, |reply, (name, value)| reply.header(name, value))
    };
    let expected = |call: &RehearsedCall| {
        let expected = Expected::new(&call.method, &call.url).any_query().answer(reply(call));
        call.alternative.iter().fold(expected, |expected, other| expected.or_else(other))
    };
    calls.iter().map(expected).collect()
}
