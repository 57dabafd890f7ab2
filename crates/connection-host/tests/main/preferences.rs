//! The preferences of extensions and of their commands are read and set, and hold no secret.

use serde_json::json;

use crate::{extensions::connected, program::Machine, provider::TOKEN};

fn value(machine: &Machine, arguments: &[&str]) -> String {
    let ran = machine.run(&[&["preferences", "get", "issues"], arguments].concat()).exits(0);
    ran.out.trim_end().to_owned()
}

#[test]
fn an_unset_value_has_its_default() {
    let machine = connected();
    machine
        .run(&["preferences", "get", "issues"])
        .exits(0)
        .says("apiBaseUrl")
        .says("https://api.github.com")
        .says("by default");
    assert_eq!(value(&machine, &["openBehavior"]), "browser");
    assert_eq!(value(&machine, &["defaultDatabase"]), "");
    assert_eq!(value(&machine, &["--command", "search", "onlyMine"]), "true");
}

#[test]
fn a_preference_that_the_connection_overrides_is_told_where_it_is_set_and_read() {
    let machine = connected();
    let why = "has no effect: the connection's own value, https://api.github.com, is used";
    let set = ["preferences", "set", "issues", "apiBaseUrl", "https://ghe.example"];
    machine.run(&set).exits(0).says("apiBaseUrl of issues is https://ghe.example").warns(why);
    let listed = machine.run(&["preferences", "get", "issues"]).exits(0);
    listed.says("no effect: the connection's own value is https://api.github.com");
    let one = machine.run(&["preferences", "get", "issues", "apiBaseUrl"]).exits(0).warns(why);
    assert_eq!(one.out, "https://ghe.example\n");
    let read = machine.run(&["preferences", "get", "issues", "--json"]).exits(0).json();
    assert_eq!(read["overridden"], json!(["apiBaseUrl"]));
    // Without the connection, the preference has an effect.
    machine.run(&["remove", "github", "--yes"]).exits(0);
    let read = machine.run(&["preferences", "get", "issues", "--json"]).exits(0).json();
    assert_eq!((&read["overridden"], &read["values"]["apiBaseUrl"]), (&json!([]), &json!("https://ghe.example")));
}

#[test]
fn a_value_is_json_or_text_as_the_preference_takes_it() {
    let machine = connected();
    let set = |arguments: &[&str]| machine.run(&[&["preferences", "set", "issues"], arguments].concat());
    // Text that looks like another type is text.
    for text in ["work", "42", "true", "-1", "null", "two words"] {
        set(&["defaultDatabase", text]).exits(0).says("defaultDatabase of issues is");
        assert_eq!(value(&machine, &["defaultDatabase"]), text);
    }
    // A program reads the value in full, with what a terminal would not show.
    let odd = "a\tb \u{1f469}\u{200d}\u{1f680}";
    set(&["defaultDatabase", odd]).exits(0);
    assert_eq!(value(&machine, &["defaultDatabase"]), odd);
    set(&["defaultDatabase", r#"["a", 1]"#]).exits(0);
    assert_eq!(value(&machine, &["defaultDatabase"]), r#"["a",1]"#);
    set(&["defaultDatabase", r#""quoted""#]).exits(0);
    assert_eq!(value(&machine, &["defaultDatabase"]), "quoted");
    set(&["openBehavior", "list"]).exits(0);
    set(&["openBehavior", "elsewhere"]).exits(2).warns("one of the declared choices");
    assert_eq!(value(&machine, &["openBehavior"]), "list");
    set(&["--command", "search", "onlyMine", "false"]).exits(0).says("onlyMine of search of issues is false");
    set(&["--command", "search", "onlyMine", "perhaps"]).exits(2).warns("either true or false");
    assert_eq!(value(&machine, &["--command", "search", "onlyMine"]), "false");
    set(&["openBehavior", "--unset"]).exits(0);
    assert_eq!(value(&machine, &["openBehavior"]), "browser");
    set(&["openBehavior"]).exits(2);
    set(&["openBehavior", "list", "--unset"]).exits(2);
}

#[test]
fn a_secret_is_never_a_preference_and_what_is_not_declared_is_not_set() {
    let machine = connected();
    let set = |arguments: &[&str]| machine.run(&[&["preferences", "set", "issues"], arguments].concat()).exits(2);
    // Each run searches its output for the secret.
    set(&["accessToken", TOKEN]).warns("never a preference");
    set(&["nothing", "1"]).warns("declares no preference");
    set(&["--command", "gone", "onlyMine", "true"]).warns("declares no command");
    // A secret in the wrong place is not repeated either.
    set(&[TOKEN, "accessToken"]).warns("declares no preference");
    set(&["--command", TOKEN, "onlyMine", "true"]).warns("declares no command");
    // The preference belongs to a command, not to the extension.
    set(&["onlyMine", "true"]);
    machine.run(&["preferences", "get", "issues", "nothing"]).exits(2).warns("its preferences are apiBaseUrl");
    machine.run(&["preferences", "get", "issues", "--command", "gone"]).exits(2);
    machine.run(&["preferences", "get", "nobody"]).exits(5);
    assert_eq!(machine.run(&["preferences", "get", "issues", "--json"]).exits(0).json()["set"], json!([]));
}

#[test]
fn each_write_counts_for_itself() {
    let machine = connected();
    let of = |arguments: &[&str]| machine.run(&[arguments, &["--json"]].concat()).exits(0).json();
    let before = of(&["preferences", "get", "issues"]);
    let set = of(&["preferences", "set", "issues", "openBehavior", "list"]);
    assert_eq!((&set["values"]["openBehavior"], &set["set"]), (&json!("list"), &json!(["openBehavior"])));
    let number = |value: &serde_json::Value, name: &str| value["revisions"][name].as_u64().unwrap();
    assert_eq!(number(&set, "extensionConfig"), number(&before, "extensionConfig") + 1);
    assert_eq!(number(&set, "connectionConfig"), number(&before, "connectionConfig"));
    assert_eq!(number(&set, "credential"), number(&before, "credential"));
    let of_command = of(&["preferences", "set", "issues", "--command", "search", "onlyMine", "false"]);
    assert_eq!(number(&of_command, "commandConfig"), 1);
    assert_eq!(number(&of_command, "extensionConfig"), number(&set, "extensionConfig"));
    assert_eq!(of_command["command"], "search");
    // If one key is named, the others are left out.
    let one = of(&["preferences", "get", "issues", "openBehavior"]);
    assert_eq!((&one["values"], &one["set"]), (&json!({ "openBehavior": "list" }), &json!(["openBehavior"])));
}

#[test]
fn missing_required_settings_are_asked_for_before_a_program_starts() {
    let machine = crate::extensions::machine();
    machine.run(&["extensions", "add", "quick-capture.json"]).exits(0);
    machine.run(&["open-settings", "quick-capture", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.run(&["preferences", "get", "quick-capture"]).exits(0).says("required");
    let read = machine.run(&["preferences", "get", "quick-capture", "--json"]).exits(0).json();
    assert_eq!(read["missing"], json!(["defaultDatabase"]));
    let run = ["exec", "quick-capture", "--", "/bin/sh", "-c", "exit 0"];
    let way = "connections preferences set quick-capture defaultDatabase VALUE";
    machine.run(&run).exits(2).warns("defaultDatabase").warns(way);
    machine.run(&["preferences", "set", "quick-capture", "defaultDatabase", "d1"]).exits(0);
    let shown = machine.run(&["preferences", "get", "quick-capture"]).exits(0);
    assert!(!shown.out.contains("required"), "{}", shown.out);
    machine.run(&run).exits(0);
}
