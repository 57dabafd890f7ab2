//! Remedies for files in JSON. The checks write them for TOML: `name = "…"`, and `[request]` for a table.

/// Returns a sentence with the keys and the tables of its remedy as JSON has them: `"name": "…"`, and an object
/// `"request"`.
pub(super) fn in_json(sentence: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = sentence.split(' ').peekable();
    while let Some(word) = rest.next() {
        let (before, word) = word.split_at(word.find(|c: char| c != '`').unwrap_or(word.len()));
        let word = match rest.peek() {
            Some(&"=") if is_key(word) => {
                rest.next();
                format!("\"{word}\":")
            }
            _ => table(word).unwrap_or_else(|| word.to_owned()),
        };
        words.push(format!("{before}{word}"));
    }
    words
        .join(" ")
        .replace("a table", "an object")
        .replace("the table", "the object")
        .replace("its table", "its object")
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns `"name"` for `[name]`, with what follows it.
fn table(word: &str) -> Option<String> {
    let (name, after) = word.strip_prefix('[')?.split_once(']')?;
    is_key(name).then(|| format!("\"{name}\"{after}"))
}

#[cfg(test)]
mod tests {
    use super::in_json;

    #[test]
    fn keys_and_tables_are_written_as_json_has_them() {
        for (toml, json) in [
            ("the name is missing; write name = \"…\"", "the name is missing; write \"name\": \"…\""),
            (
                "add basic = { user = …, password = … } to [request]",
                "add \"basic\": { \"user\": …, \"password\": … } to \"request\"",
            ),
            ("the table [jwt] belongs to another mechanism", "the object \"jwt\" belongs to another mechanism"),
            ("the response to [verify], which is missing", "the response to \"verify\", which is missing"),
            ("this is a list; write a table", "this is a list; write an object"),
            ("`region` decides; write ${config.NAME}", "`region` decides; write ${config.NAME}"),
        ] {
            assert_eq!(in_json(toml), json);
        }
    }
}
