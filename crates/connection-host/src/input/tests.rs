//! The accepted inputs, their precedence, and refusals that do not repeat a value.

use std::io::Write as _;

use super::*;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn read(input: Option<String>, fields: &[String], from_env: &[&str]) -> Result<Inputs, Error> {
    let from_env = from_env.iter().map(|argument| (*argument).to_owned()).collect();
    let arguments = InputArguments { input, fields: fields.to_vec(), from_env, all_fields: false };
    Inputs::read(&arguments, &Environment::of(&[("TOKEN", "from-variable")]), false)
}

fn declared() -> Vec<Field> {
    vec![
        Field::secret("token", "Token"),
        Field::directory("roots", "Roots").many().optional(),
        Field::text("region", "Region").optional(),
    ]
}

#[track_caller]
fn refused_as(result: Result<Inputs, Error>, exit: Exit, code: &str) {
    let check =
        |mut inputs: Inputs| inputs.check("acme", &declared()).and(inputs.check_any("acme", &declared(), false));
    let error = result.and_then(check).expect_err("it is refused");
    assert_eq!((error.exit, error.code.as_str()), (exit, code), "{error}");
    assert!(!format!("{error} {:?}", error.remedy).contains("hunter2"), "{error}");
}

fn answers(inputs: &mut Inputs, prompt: &Prompt) -> Result<Vec<(String, String)>, Error> {
    let answers = inputs.answer("acme", prompt, &declared())?;
    Ok(answers.iter().map(|(name, value)| (name.clone(), value.expose_str().unwrap().to_owned())).collect())
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn an_object_of_strings_booleans_numbers_and_arrays_answers_all_prompts() {
    let files = Files::new();
    let input = files.with("in.json", br#"{"token": "t", "roots": ["/a", "/b"], "region": 7}"#);
    let mut inputs = read(Some(input), &[], &[]).unwrap();
    inputs.check("acme", &declared()).unwrap();
    let expected = [pair("token", "t"), pair("roots", "/a"), pair("roots", "/b"), pair("region", "7")];
    assert_eq!(answers(&mut inputs, &Prompt::new("Connect")).unwrap(), expected);
}

#[test]
fn a_field_and_a_variable_win_over_the_object() {
    let files = Files::new();
    let input = files.with("in.json", br#"{"token": "t", "region": "r"}"#);
    let field = format!("region=@{}", files.with("region", b"from-file\n"));
    let mut inputs = read(Some(input), &[field], &["token=TOKEN"]).unwrap();
    let expected = [pair("token", "from-variable"), pair("region", "from-file")];
    assert_eq!(answers(&mut inputs, &Prompt::new("Connect")).unwrap(), expected);
}

#[test]
fn exactly_one_trailing_newline_of_a_file_is_dropped() {
    let files = Files::new();
    for (content, expected) in [("t\n", "t"), ("t\r\n", "t"), ("t\n\n", "t\n"), (" t", " t")] {
        let field = format!("token=@{}", files.with("token", content.as_bytes()));
        let mut inputs = read(None, &[field], &[]).unwrap();
        assert_eq!(answers(&mut inputs, &Prompt::new("Connect")).unwrap(), [pair("token", expected)]);
    }
}

#[test]
fn a_value_in_an_argument_is_refused_and_not_repeated() {
    refused_as(read(None, &["token=hunter2".into()], &[]), Exit::Usage, "value_in_argument");
    refused_as(read(None, &["hunter2".into()], &[]), Exit::Usage, "usage");
    refused_as(read(None, &["token=@/nowhere/file".into()], &[]), Exit::Usage, "input_unreadable");
    refused_as(read(None, &[], &["hunter2"]), Exit::Usage, "usage");
    refused_as(read(None, &[], &["token=hunter2"]), Exit::Usage, "input_unreadable");
}

#[test]
fn an_object_that_is_none_is_refused_and_not_repeated() {
    let files = Files::new();
    for content in ["\"hunter2\"", "{\"token\": hunter2}", "{\"token\": {\"a\": \"hunter2\"}}", "[\"hunter2\"]"] {
        let input = files.with("in.json", content.as_bytes());
        refused_as(read(Some(input), &[], &[]), Exit::Usage, "invalid_input");
    }
    let input = files.with("in.json", br#"{"tokken": "hunter2"}"#);
    refused_as(read(Some(input), &[], &[]), Exit::Usage, "unknown_field");
    let input = files.with("in.json", br#"{"token": ["hunter2", "b"]}"#);
    refused_as(read(Some(input), &[], &[]), Exit::Usage, "invalid_field");
}

#[test]
fn without_a_person_a_missing_field_is_refused_naming_input() {
    refused_as(read(None, &[], &[]), Exit::Usage, "input_required");
    let files = Files::new();
    let mut inputs = read(Some(files.with("in.json", br#"{"region": "r"}"#)), &[], &[]).unwrap();
    let error = answers(&mut inputs, &Prompt::new("Connect")).expect_err("token is missing");
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.to_string().contains("token"), "{error}");
    assert!(error.remedy.unwrap().contains("--input"));
}

#[test]
fn a_field_that_is_asked_again_ends_the_setup() {
    let files = Files::new();
    let mut inputs = read(Some(files.with("in.json", br#"{"token": "hunter2"}"#)), &[], &[]).unwrap();
    answers(&mut inputs, &Prompt::new("Connect")).unwrap();
    let again = Prompt::new("Connect").problem(Some("the provider refuses it".into()));
    let error = answers(&mut inputs, &again).expect_err("nobody can be asked");
    assert_eq!((error.exit, error.code.as_str()), (Exit::SetupFailed, "answer_refused"));
    assert!(error.to_string().contains("the provider refuses it"), "{error}");
}

#[test]
fn standard_input_is_taken_once() {
    let mut standard = Standard { taken: Some("--field a".into()) };
    let error = at_value("@-", &mut standard, "--field b", 0).expect_err("it was taken");
    assert!(error.to_string().contains("--field a and --field b"), "{error}");
}
