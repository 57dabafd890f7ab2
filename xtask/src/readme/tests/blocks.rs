//! Tests of finding the blocks and commands of a document.

use crate::readme::blocks::{Block, Step, Venue, World, blocks};
use crate::readme::commands::{Plan, elsewhere, plan};

#[test]
fn console_blocks_are_found_with_their_lines_and_output() {
    let text =
        "# A\n```console\n$ a b\none\n\ntwo\n$ c\n```\n```toml\n$ not this\n```\n```console,provider\n$ d\n```\n";
    let of = |world, steps| Block { world, venue: Venue::Everywhere, steps };
    let plain = vec![step(3, "a b", &["one", "", "two"]), step(7, "c", &[])];
    let expected = [of(World::Plain, plain), of(World::Provider, vec![step(13, "d", &[])])];
    assert_eq!(blocks(text).unwrap(), expected);
}

#[test]
fn a_block_at_a_terminal_has_its_questions_and_answers() {
    let found =
        blocks("```console,provider,terminal\n$ a\nhint\n? Name?  Ada L\n? Go on?  y\nend\n? no answer\n```").unwrap();
    assert_eq!((found[0].world, found[0].venue), (World::Provider, Venue::Terminal));
    assert_eq!(found[0].steps[0].answers().collect::<Vec<_>>(), [("Name?", "Ada L"), ("Go on?", "y")]);
}

#[test]
fn a_block_that_is_only_shown_needs_a_rule_that_says_who_runs_it() {
    let text = "```sh\ncargo xtask new-plugin acme\ncargo test\n```\n```text\n$ unheard of\nout\n```\n```text\nno command\n```\n";
    let of = |step| Block { world: World::Plain, venue: Venue::Elsewhere, steps: vec![step] };
    let expected = [of(step(2, "cargo xtask new-plugin acme", &[])), of(step(6, "unheard of", &[]))];
    assert_eq!(blocks(text).unwrap(), expected);
    assert!(elsewhere("cargo xtask new-plugin acme").is_some());
    assert_eq!(elsewhere("unheard of"), None);
}

#[test]
fn a_command_may_go_on_in_the_next_line() {
    let text = "```console\n$ a \\\n    b \\\n> c\nout\n```";
    assert_eq!(blocks(text).unwrap()[0].steps, [step(2, "a \\\n    b \\\nc", &["out"])]);
}

#[test]
fn a_block_inside_a_longer_fence_is_text() {
    assert_eq!(blocks("````markdown\n```console\n$ a\n```\n````\n").unwrap(), []);
}

#[test]
fn a_block_that_starts_with_output_is_refused() {
    assert!(blocks("```console\nout\n$ a\n```").unwrap_err().to_string().starts_with("2: "));
}

#[test]
fn the_program_is_run_as_it_was_built() {
    let run = |command: &str| Plan::Run(command.to_owned());
    assert_eq!(plan("cargo run --release --bin connections -- list --json"), run("connections list --json"));
    assert_eq!(plan("echo a | cargo run --release --bin connections -- add b"), run("echo a | connections add b"));
    assert_eq!(plan("connections list"), run("connections list"));
    assert_eq!(plan("mkdir notes"), run("mkdir notes"));
}

#[test]
fn what_another_step_runs_is_skipped_by_a_rule_and_nothing_else_is() {
    for command in ["cargo xtask test", "git clone https://example.com/a", "cd connections", "cargo build --release"] {
        assert!(matches!(plan(command), Plan::Skip(_)), "{command}");
    }
    assert_eq!(plan("cargo test"), Plan::Unknown);
}

fn step(line: usize, command: &str, expected: &[&str]) -> Step {
    let expected = expected.iter().map(|line| (*line).to_owned()).collect();
    Step { line, command: command.to_owned(), expected }
}
