//! Replaces what differs from run to run in an output: ids, times, tokens and ports.

use similar::{ChangeTag, TextDiff};

/// Replaces what differs from one run to the next: ids, times, tokens and ports.
pub(super) fn settled(text: &str) -> String {
    let mut settled = String::new();
    for line in text.lines() {
        let mut former = "";
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                settled.push(' ');
            }
            // The time until an end becomes a day less after a second.
            let is_time_left = former == "in" && word.parse::<u32>().is_ok();
            settled.push_str(&if is_time_left { "NUMBER".to_owned() } else { word_without_run(word) });
            former = word;
        }
        settled.push('\n');
    }
    settled
}

/// Replaces an id, the end of one, a time, a token or a port in a word.
fn word_without_run(word: &str) -> String {
    let mut rest = word;
    let mut out = String::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '+');
    while let Some(begin) = rest.find(is_part) {
        out.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        out.push_str(&part(&rest[..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn part(part: &str) -> String {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_id = part.len() == 36 && part.split('-').count() == 5 && part.split('-').all(is_hex);
    let is_end = part.len() == 8 && is_hex(part);
    let is_time = part.len() >= 20 && part.as_bytes()[4] == b'-' && part.contains('T') && part.ends_with('Z');
    match part {
        _ if is_id => "ID".to_owned(),
        _ if part.starts_with("connection:") => "connection:ID".to_owned(),
        _ if is_end => "END".to_owned(),
        _ if is_time => "TIME".to_owned(),
        _ if part.starts_with("cn_") => "TOKEN".to_owned(),
        _ if part.starts_with("127.0.0.1:") => "ADDRESS".to_owned(),
        _ => part.to_owned(),
    }
}

/// Returns an output without the relative times in parentheses, which may be of another second.
pub(super) fn without_age(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once(" (") {
        out.push_str(before);
        rest = match after.split_once(')') {
            Some((inside, after)) if inside == "now" || inside.ends_with(" ago") || inside.starts_with("in ") => after,
            _ => {
                out.push_str(" (");
                after
            }
        };
    }
    out + rest
}

/// The members of JSON whose values differ from run to run.
const OF_RUN: [&str; 5] = ["\"milliseconds\": ", "\"duration\": ", "\"time\": ", "\"start_time\": ", "\"end_time\": "];

/// Returns a text with each line of JSON spread over one line for each member, without the members in [`OF_RUN`], and with
/// columns two spaces apart.
fn spread(text: &str) -> String {
    let json = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(json) if line.starts_with(['{', '[']) => format!("{json:#}"),
        _ => line.to_owned(),
    };
    let lines: Vec<_> = text.lines().map(json).collect();
    let is_of_run = |line: &&str| OF_RUN.iter().any(|name| line.trim().starts_with(name));
    let lines = lines.iter().flat_map(|line| line.lines()).filter(|line| !is_of_run(line));
    lines.map(|line| format!("{}\n", ageless(line))).collect()
}

/// Returns a line whose ages are replaced, with at most two spaces between columns.
fn ageless(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let columns = line.trim_start().split("  ").map(str::trim).filter(|text| !text.is_empty());
    format!("{:indent$}{}", "", columns.map(without_ages).collect::<Vec<_>>().join("  "))
}

/// Replaces `now` and such words as `2 seconds ago`.
fn without_ages(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        match word {
            "ago" => {
                words.truncate(words.len().saturating_sub(2));
                words.push("AGE");
            }
            "now" => words.push("AGE"),
            word => words.push(word),
        }
    }
    words.join(" ")
}

/// Returns the lines that only one of the texts contains.
pub(super) fn differing_lines(local: &str, server: &str) -> String {
    let (local, server) = (spread(local), spread(server));
    let lines = TextDiff::from_lines(&local, &server);
    let line = |tag, line: &str| match tag {
        ChangeTag::Delete => format!("local:  {line}"),
        ChangeTag::Insert => format!("server: {line}"),
        ChangeTag::Equal => String::new(),
    };
    lines.iter_all_changes().map(|change| line(change.tag(), change.value())).collect()
}
