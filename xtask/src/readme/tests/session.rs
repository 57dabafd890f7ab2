//! Tests of sessions: commands run in their own home directory, and a wrong word in a document is found.

use std::path::Path;

use crate::readme::blocks::blocks;
use crate::readme::expected::matches;
use crate::readme::session::{Place, Session};

#[test]
fn output_is_compared_line_by_line() {
    check("a\nb", "a\nb\n", true);
    check("a\nb", "a\nc\n", false);
    check("a", "a\nb\n", false);
    check("a\nb", "a\n", false);
    check("a", "\n\na  \n\n", true);
}

#[test]
fn dots_stand_for_anything_in_a_line() {
    check("id ... is …", "id 12 34 is x", true);
    check("id ... is", "id 12 was", false);
    check("a...a", "a", false);
    check("...", "", true);
    check("1...2...3", "1 2 3", true);
    check("1...2...3", "1 3 2", false);
}

#[test]
fn dots_alone_stand_for_any_lines() {
    check("a\n...\nd", "a\nb\nc\nd", true);
    check("a\n…\nd", "a\nd", true);
    check("a\n...\nd", "a\nb", false);
    check("...\nd", "a\nb\nd", true);
}

#[test]
fn commands_share_a_home_within_a_document() {
    run(
        "```console\n$ echo kept > \"$HOME/a\"\n```\n```console\n$ cat \"$HOME/a\"\nkept\n$ echo to-error >&2\nto-error\n```",
        Ok(3),
    );
}

#[test]
fn a_command_that_fails_ends_the_document() {
    run("```console\n$ echo a\n$ echo why; false\n$ echo b\n```", Err("3: `echo why; false` failed, and wrote:\nwhy"));
}

#[test]
fn output_that_differs_from_the_document_is_a_failure() {
    run("```console\n$ echo a\nb\n```", Err("2: `echo a` should write:\nb\nbut wrote:\na"));
}

#[test]
fn output_without_a_last_line_end_is_compared_too() {
    run("```console\n$ printf a\na\n$ printf b\nb\n```", Ok(2));
}

#[test]
fn credentials_are_there_in_blocks_that_ask_for_the_providers_alone() {
    run("```console\n$ echo \"[$GITHUB_TOKEN$CONNECTIONS_CONFIG]\"\n[]\n```", Ok(1));
    run(
        "```console,provider\n$ echo \"$GITHUB_TOKEN\"\nghp_...\n$ cat \"$CONNECTIONS_CONFIG\"\n[http.endpoints]\n\"https://api.github.com\" = \"http://127.0.0.1:...\"\n...\n```",
        Ok(2),
    );
}

#[test]
fn nothing_of_this_machine_is_seen_but_its_programs() {
    run("```console\n$ echo \"[$CARGO_MANIFEST_DIR]\"\n[]\n$ ls -A \"$HOME\" | wc -l | tr -d ' '\n0\n```", Ok(2));
}

#[test]
fn a_local_tool_is_a_script_that_keeps_to_its_directory() {
    run(
        "```console\n$ claude --version\n2.1.197 (Claude Code)\n$ CLAUDE_CONFIG_DIR=\"$HOME/a\" claude -p x\nHello!\n$ ls \"$HOME/a\"\nprojects\n```",
        Ok(3),
    );
}

#[test]
fn a_command_that_asks_finds_nobody() {
    run("```console\n$ cat\n$ echo on\non\n```", Ok(2));
}

#[cfg(unix)]
#[test]
fn a_command_that_reads_what_is_typed_ahead_is_found() {
    let terminal = |document, expected| run_at(Place::Terminal, document, expected);
    terminal("```console\n$ true\n$ echo a\na\n```", Ok(2));
    terminal("```console\n$ echo a\na\n$ test -t 0 && test -t 1 && echo yes\nyes\n```", Ok(2));
    terminal("```console\n$ echo a\n$ read -r line\n```", Err("2: a command reads what is typed ahead"));
    terminal("```console\n$ echo a\n$ false\n```", Err("3: `false` failed"));
}

#[cfg(unix)]
#[test]
fn a_person_at_a_terminal_answers_what_the_document_shows_as_a_question() {
    // The script ends the line of the question, as a prompt does.
    let asks = "ask() { stty icrnl; printf '? %s ' \"$1\"; read -r answer; printf '\\n%s\\n' \"[$answer]\"; }";
    let document = |rest: &str| format!("```console,provider,terminal\n$ {asks}\n$ ask Name\n{rest}\n```");
    run_at(Place::Terminal, &document("? Name  Ada\n[Ada]"), Ok(2));
    run_at(Place::Terminal, &document("? Name  (GITHUB_TOKEN, not shown)\n[ghp_...]"), Ok(2));
    run_at(Place::Terminal, &document("? Name  Ada\n[Eve]"), Err("3: `ask Name` should write"));
    run_at(Place::Terminal, &document("? Name  (OTHER, not shown)"), Err("3: there is no credential"));
    // The control: with pipes, no answer is typed.
    run_at(Place::Pipes, &document("? Name  Ada\n[Ada]"), Ok(0));
}

#[test]
fn a_block_that_nothing_runs_is_found() {
    run("```sh\nunheard of\n```", Err("2: `unheard of` is shown, but nothing runs it"));
    run("```sh\ncargo xtask new-plugin acme\n```", Ok(0));
}

#[track_caller]
fn check(expected: &str, actual: &str, result: bool) {
    let lines: Vec<String> = expected.lines().map(str::to_owned).collect();
    assert_eq!(matches(&lines, actual), result);
}

#[track_caller]
fn run(document: &str, expected: Result<usize, &str>) {
    run_at(Place::Pipes, document, expected);
}

#[track_caller]
fn run_at(place: Place, document: &str, expected: Result<usize, &str>) {
    let session = Session::start(Path::new("nowhere"), None, place).unwrap();
    let blocks = blocks(document).unwrap();
    let result = blocks.iter().try_fold(0, |ran, block| Ok(ran + session.run(block, |_| ())?));
    let result: Result<usize, String> = result.map_err(|failure: crate::failure::Failure| failure.to_string());
    match (result, expected) {
        (Err(failure), Err(start)) => assert!(failure.starts_with(start), "{failure}"),
        (result, expected) => assert_eq!(result, expected.map_err(str::to_owned)),
    }
}
