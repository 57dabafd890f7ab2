//! `config`: prints the configuration as it takes effect, with where each value is from and without secrets.

use crate::{
    Error, Exit,
    config::{EffectiveValue, Origin},
    output::{Table, json},
    program::Program,
};

pub(super) fn run(program: &Program) -> Result<Exit, Error> {
    let (output, settings) = (&program.output, &*program.settings);
    if output.json {
        output.shape(&json::ConfigBody::from(settings))?;
        return Ok(Exit::Fine);
    }
    match settings.configuration_file() {
        Some(file) if file.exists() => output.line(format!("Configuration file: {}\n", file.display()))?,
        Some(file) => output.line(format!("There is no configuration file at {}.\n", file.display()))?,
        None => output.line("There is no configuration file, because there is no home directory.\n")?,
    }
    let mut table = Table::new(["KEY", "VALUE", "FROM"], 1);
    for value in settings.effective() {
        let Some(text) = text(&value) else { continue };
        table.row([value.key.as_str().into(), text.as_str().into(), place(&value.origin).into()]);
    }
    output.table(&table)?;
    output.line("\nKeys without a value are left out; --json lists them, too.")?;
    Ok(Exit::Fine)
}

/// Returns the value for people; `None` for a key that has none.
fn text(value: &EffectiveValue) -> Option<String> {
    match (&value.value, value.is_secret) {
        (None, false) => None,
        (None, true) => Some("(a secret)".to_owned()),
        (Some(value), _) => Some(value.clone()),
    }
}

fn place(origin: &Origin) -> &str {
    match origin {
        Origin::Default => "default",
        Origin::File(_) => "file",
        Origin::Option(option) => option,
        Origin::Variable(variable) => variable,
    }
}
