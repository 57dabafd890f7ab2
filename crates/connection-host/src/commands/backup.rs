//! `backup FILE`: writes a copy of the database that `restore` can use.

use std::path::PathBuf;

use crate::{Error, Exit, output::json::BackupBody, program::Program};

pub(super) async fn run(program: Program, file: PathBuf) -> Result<Exit, Error> {
    // A signal drops the copy, which removes its file.
    program.interrupts.caught().await;
    let output = &program.output;
    let backup = output.waiting("the database", program.builder().back_up(file)).await?;
    if output.json {
        output.shape(&BackupBody::from(&backup))?;
        return Ok(Exit::Fine);
    }
    let connections = match backup.connections {
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    };
    let keys: Vec<_> = backup.keys.iter().map(ToString::to_string).collect();
    output.line(format!("Backed up {connections} to {}, version {}", backup.file.display(), backup.version))?;
    output.note(format!(
        "The backup does not contain the key that opens it, {}; keep a copy of the key in another place.",
        keys.join(" or ")
    ));
    Ok(Exit::Fine)
}
