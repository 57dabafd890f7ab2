//! Undoing a replacement, and the difference that is shown instead.

use connection_mcp::clients::{Difference, Undo, undo};

#[track_caller]
fn check(before: &str, after: &str, shown: &str) {
    let difference = Difference::between(before.as_bytes(), after.as_bytes());
    assert_eq!(difference.to_string(), shown);
    assert_eq!(difference.is_empty(), before == after);
}

#[test]
fn a_file_that_was_changed_after_the_replacement_is_shown_and_kept() {
    let Undo::Changed(difference) =
        undo(b"{ \"old\": 1 }\n", b"{\n\"new\": 2\n}\n", b"{\n\"new\": 2,\n\"more\": 3\n}\n")
    else {
        panic!("the file was changed")
    };
    assert_eq!(difference.to_string(), "@@ -1,3 +1,4 @@\n {\n-\"new\": 2\n+\"new\": 2,\n+\"more\": 3\n }\n");
}

#[test]
fn an_undo_shows_no_content_in_its_debug_form() {
    let shown = [
        format!("{:?}", undo(b"s3cret", b"new", b"new")),
        format!("{:?}", undo(b"s3cret", b"new", b"s3cret")),
        format!("{:?}", undo(b"s3cret", b"new", b"s3cret too")),
    ];
    assert_eq!(shown, ["Restore(..)", "Original", "Changed(Difference(1 removed, 1 added))"]);
}

#[test]
fn equal_contents_have_no_difference() {
    check("", "", "");
    check("a\nb\n", "a\nb\n", "");
}

#[test]
fn distant_changes_are_shown_apart() {
    let lines = |changed: &[usize]| -> String {
        (1..=12).map(|line| if changed.contains(&line) { "x\n".to_owned() } else { format!("{line}\n") }).collect()
    };
    check(
        &lines(&[]),
        &lines(&[2, 11]),
        "@@ -1,4 +1,4 @@\n 1\n-2\n+x\n 3\n 4\n@@ -9,4 +9,4 @@\n 9\n 10\n-11\n+x\n 12\n",
    );
}

#[test]
fn a_missing_end_of_the_last_line_is_shown() {
    check("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
    check("", "a\n", "@@ -0,0 +1,1 @@\n+a\n");
    check("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
}

#[test]
fn very_long_contents_are_compared_without_a_table_of_all_lines() {
    let numbered = |start: u32| -> String { (start..start + 3_000).map(|line| format!("{line}\n")).collect() };
    let difference = Difference::between(numbered(0).as_bytes(), numbered(10_000).as_bytes());
    assert_eq!(format!("{difference:?}"), "Difference(3000 removed, 3000 added)");
}
