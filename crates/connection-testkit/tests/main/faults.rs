//! Tests that each fault of a plugin in a real host also fails the test. The control is the plugin without a quirk.

use connection_testkit::{Expected, Input};

use crate::{
    acme::{get_me, host, key},
    check,
    quirk::Quirk,
};

#[test]
fn a_plugin_without_a_quirk_passes() {
    let run = host(Quirk::None).expect(get_me()).setup([key()]).trace();
    assert_eq!((run.effects, run.steps.len()), (2, 1));
    assert_eq!(run.result.unwrap().identity.label.as_str(), "Ada");
}

#[test]
fn each_fault_of_a_setup_is_named() {
    let other = || Expected::get("https://api.acme.example/other");
    for (quirk, expected) in [
        (Quirk::AbandonsAnEffect, "began an effect and did not wait for it"),
        (Quirk::JoinsTwoEffects, "began an effect while another was under way"),
        (Quirk::AsksUndeclaredField, "asks for 'secretly', which it did not declare"),
        (Quirk::AsksTooMuchAtOnce, "asks for too many fields at once (a prompt has more than 32 fields)"),
        (Quirk::ShowsWithoutEnd, "does not finish (it shows more than 32 notices at once)"),
        (Quirk::UsesUndeclaredAddress, "an address that its descriptor does not declare: https://evil.example"),
        (Quirk::WaitsForItself, "did not finish in time: it waits for something that is not one of the host's"),
        (Quirk::WaitsForNothing, "began a wait that nothing can end"),
        (Quirk::LeavesItsAddresses, "an address that it does not declare and the user did not enter"),
        (Quirk::GrantsItselfADirectory, "a directory that the user did not enter"),
        (Quirk::CannotBeDroppedInSetup, "run again from effect 1"),
        (Quirk::DropsPartOfTheCredential, "`parse_credential` and `serialize_credential` are not inverse"),
    ] {
        let sends = matches!(quirk, Quirk::AbandonsAnEffect | Quirk::JoinsTwoEffects);
        let host = if sends { host(quirk).expect(other()).expect(other()) } else { host(quirk) };
        check(expected, || host.expect(get_me()).setup([key()]).run());
    }
}

#[test]
fn a_setup_without_end_is_stopped() {
    let more = || Input::answers(&[("more", "x")]);
    // All prompts are equal, but each answered prompt is a separate step.
    check("does not finish (it has had 64 steps)", || host(Quirk::AsksWithoutEnd).setup((0..99).map(|_| more())).run());
    check("does not finish (it has performed 1000 effects)", || {
        host(Quirk::HasEffectsWithoutEnd).key_value().setup([]).run()
    });
}

#[test]
fn a_setup_that_reads_anything_but_its_context_is_caught_by_a_replay() {
    let more = || Input::answers(&[]);
    check("asks something else in a replay: wait", || {
        host(Quirk::AsksAnotherFieldInAReplay).expect(get_me()).setup([more(), key()]).run()
    });
    let a = || Expected::get("https://api.acme.example/a");
    check("asks something else in a replay: send GET https://api.acme.example/b", || {
        host(Quirk::SendsSomethingElseInAReplay).expect(a()).expect(get_me()).setup([key()]).run()
    });
    check("ended differently, in its label", || {
        host(Quirk::DependsOnItsOwnState).expect(get_me()).setup([key()]).run()
    });
    let texts = "shows something else in a replay (Some(Prompt { title: \"Connect Acme, try 3\"";
    check(texts, || host(Quirk::AsksWithAnotherTextInAReplay).expect(get_me()).setup([key()]).run());
    check("ends earlier in a replay", || host(Quirk::EndsEarlierInAReplay).expect(get_me()).setup([key()]).run());
}

#[test]
fn a_script_that_does_not_fit_the_setup_is_named() {
    check("the script is at its end, and the setup has a wait", || host(Quirk::None).setup([]).run());
    check("the script gives a callback, and the setup has a wait", || {
        host(Quirk::None).setup([Input::callback(&[("code", "x")])]).run()
    });
    check("the setup ended with a connection; the script still has answers", || {
        host(Quirk::None).expect(get_me()).setup([key(), key()]).run()
    });
}
