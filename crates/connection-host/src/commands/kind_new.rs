//! `kinds new`: asks a person about a provider, and writes the file that describes its kind.
//!
//! After each answer the whole file is checked, with examples in place of the answers that are still missing. So a
//! question is asked again until its answer fits, by the same rules that hold for every file.

use std::path::{Path, PathBuf};

use connection_contract::{Field, Input};
use connection_core::write_new_private;
use connection_manifest::KindSet;

use super::{
    kind_add::{self, Candidate, KindAddedBody},
    kind_draft::Draft,
};
use crate::{
    Error, Exit,
    input::{self, Cancelled},
    kinds_directory, platform,
    program::Program,
};

/// A question, and the drafts for which it is asked.
struct Question {
    field: Field,
    is_asked: fn(&Draft) -> bool,
}

pub(super) async fn run(program: &Program, file: Option<PathBuf>) -> Result<Exit, Error> {
    if !program.person {
        return Err(Error::new(Exit::Usage, "input_required", "nobody can be asked about the kind").remedy(
            "write the file yourself: `connections kinds schema` prints the schema of the format, and \
             docs/guide/kinds.md has an example",
        ));
    }
    if let Some(file) = &file {
        check_name(file)?;
    }
    let taken = taken_ids(program, file.as_deref())?;
    let asking = tokio::task::spawn_blocking(move || ask(&taken));
    let draft = match asking.await {
        Ok(Err(error)) if error.code == Error::from(Cancelled).code => {
            return Err(Error { message: "the questions were cancelled; nothing was written".to_owned(), ..error });
        }
        Ok(draft) => draft?,
        Err(_) => return Err(Error::new(Exit::Unexpected, "crashed", "a prompt crashed")),
    };
    match file {
        None => Candidate::check(program, Path::new(draft.get("id")), draft.text().into_bytes())?.store(program, false),
        Some(file) => write(program, &file, &draft),
    }
}

/// Writes a file that is not among the user's own kinds.
fn write(program: &Program, file: &Path, draft: &Draft) -> Result<Exit, Error> {
    write_new_private(file, draft.text().as_bytes()).map_err(|error| Error::io(file.display(), &error))?;
    let output = &program.output;
    let name = file.display().to_string();
    if output.json {
        output.shape(&KindAddedBody { kind: draft.get("id").to_owned(), file: name, replaced: false })?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Wrote {name}"))?;
    output.line(format!("`connections kinds add {name}` adds the kind."))?;
    Ok(Exit::Fine)
}

/// Refuses a file that exists, or whose name does not say that it is TOML.
fn check_name(file: &Path) -> Result<(), Error> {
    let name = file.display();
    if file.extension().is_none_or(|extension| extension != "toml") {
        return Err(Error::usage(format!("{name} is not called ID.toml")).remedy("the file is written in TOML"));
    }
    if file.exists() {
        return Err(Error::new(Exit::Refused, "kind_taken", format!("{name} exists already"))
            .remedy("name another file, or remove this one first"));
    }
    Ok(())
}

/// The ids that the new kind cannot have, each with the reason; or the only one that it can have.
struct TakenIds {
    ids: Vec<(String, String)>,
    only: Option<String>,
}

fn taken_ids(program: &Program, file: Option<&Path>) -> Result<TakenIds, Error> {
    let mut ids = Vec::new();
    for kind in &program.kinds {
        let id = kind.descriptor.kind.as_str();
        if let Err(error) = kind_add::not_of_program(program, id) {
            ids.push((id.to_owned(), error.message));
        }
    }
    let only = file.and_then(|file| Some(file.file_stem()?.to_string_lossy().into_owned()));
    if only.is_none() {
        for path in kinds_directory::files(&kind_add::directory(program)?) {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            ids.push((id, format!("the file {} describes this kind already", path.display())));
        }
    }
    Ok(TakenIds { ids, only })
}

impl TakenIds {
    fn problem(&self, id: &str) -> Option<String> {
        if let Some(only) = self.only.as_deref().filter(|only| *only != id) {
            return Some(format!("the file is called {only}.toml; enter the id {only}"));
        }
        let (_, why) = self.ids.iter().find(|(taken, _)| taken == id)?;
        Some(format!("{why}; enter another id"))
    }
}

fn ask(taken: &TakenIds) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    for Question { mut field, is_asked } in questions() {
        if !is_asked(&draft) {
            continue;
        }
        if field.name == "id" {
            field = field.default(taken.only.clone().unwrap_or_else(|| draft.suggested_id()));
        }
        let name = field.name.to_string();
        loop {
            let answer = input::question(&field)?;
            draft.set(&name, answer);
            let problems = problems(&draft, taken, &name);
            if problems.is_empty() {
                break;
            }
            for problem in problems {
                platform::write_stderr(format_args!("  {problem}"));
            }
        }
    }
    Ok(draft)
}

/// Returns what is wrong with the draft. The rest of it was checked before, so a problem is about the last answer.
fn problems(draft: &Draft, taken: &TakenIds, name: &str) -> Vec<String> {
    if let Some(problem) = taken.problem(draft.get("id")).filter(|_| name == "id") {
        return vec![problem];
    }
    match KindSet::new().read_one("draft.toml", None, draft.text().as_bytes()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.sentence.to_string()).collect(),
    }
}

fn questions() -> Vec<Question> {
    let always = |field: Field| Question { field, is_asked: |_| true };
    let with = |field: Field, is_asked: fn(&Draft) -> bool| Question { field, is_asked };
    let choice = |choices: &[(&'static str, &'static str)]| {
        Input::Choice(choices.iter().map(|(value, label)| ((*value).into(), (*label).into())).collect())
    };
    let mechanism = choice(&[
        ("api_key", "An API key or token"),
        ("basic", "A user name and a password"),
        ("oauth2", "OAuth 2, in a browser"),
        ("none", "Nothing"),
    ]);
    let place = choice(&[
        ("bearer", "In the header Authorization, after the word Bearer"),
        ("header", "In another header"),
        ("query", "In the query of the address"),
    ]);
    vec![
        always(Field::text("name", "Name of the provider").help("The name that people see, such as Acme.")),
        always(Field::text("id", "Id of the kind").help("The word for it in commands, such as acme or acme-eu.")),
        always(Field::new("mechanism", "An account is connected with", mechanism)),
        always(
            Field::text("base", "Base address of the API").help("Such as https://api.acme.com or https://acme.com/v1."),
        ),
        with(Field::new("place", "The key is sent", place), |draft| draft.is("mechanism", "api_key")),
        with(Field::text("header", "Name of the header").help("Such as X-Api-Key."), |draft| {
            draft.is("place", "header")
        }),
        with(Field::text("parameter", "Name of the parameter").help("Such as key or api_key."), |draft| {
            draft.is("place", "query")
        }),
        with(
            Field::text("authorize", "Address of the page that the browser opens")
                .help("Such as https://acme.com/oauth/authorize."),
            |draft| draft.is("mechanism", "oauth2"),
        ),
        with(
            Field::text("token", "Address of the token endpoint").help("Such as https://acme.com/oauth/token."),
            |draft| draft.is("mechanism", "oauth2"),
        ),
        with(Field::text("scopes", "Scopes, separated by spaces or commas").optional(), |draft| {
            draft.is("mechanism", "oauth2")
        }),
        with(
            Field::text("verify", "Path of a small request that shows that the credential works")
                .help("Such as /me or /v1/account. Leave it empty if there is none.")
                .optional(),
            |draft| !draft.is("mechanism", "none"),
        ),
        with(
            Field::text("accountId", "Place of the account's id in the answer, as a JSON pointer").default("/id"),
            |draft| !draft.get("verify").is_empty(),
        ),
        with(
            Field::text("accountName", "Place of the account's name in the answer, as a JSON pointer")
                .help("Such as /name. Leave it empty if the answer has no name.")
                .optional(),
            |draft| !draft.get("verify").is_empty(),
        ),
    ]
}
