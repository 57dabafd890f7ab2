//! `list`: what needs a hand comes first, with the command that mends it.

use connection_core::ConnectionInfo;

use crate::{
    Error, Exit,
    cli::Program,
    output::{Cell, Output, Table, condition, json, reason_line, short_id, urgency},
    select,
};

pub(super) async fn run(mut program: Program) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let rows = select::all(&registry).await?;
    registry.close().await;
    print(&program.output, rows)?;
    Ok(Exit::Fine)
}

/// The table or the array, sorted by urgency.
pub(super) fn print(output: &Output, mut rows: Vec<ConnectionInfo>) -> Result<(), Error> {
    rows.sort_by_key(|info| (urgency(info, output.now), info.kind.clone(), info.label.clone()));
    if output.json {
        let bodies: Vec<_> = rows.iter().map(json::ConnectionBody::from).collect();
        return output.shape(&bodies);
    }
    if rows.is_empty() {
        return output
            .line("Nothing is connected yet. `connections kinds` shows what can be; `connections add KIND` begins.");
    }
    let mut table = Table::new(["ID", "CONNECTION", "ACCOUNT", "STATE", "NOTE"], 2);
    let mut commands = Vec::new();
    for info in &rows {
        let (note, mend) = reason_line(info, output.now);
        table.row([
            short_id(&info.id.to_string()).into(),
            crate::output::name(info).into(),
            info.identity.label.as_str().into(),
            Cell::liveness(condition(info).0),
            note.into(),
        ]);
        commands.extend(mend);
    }
    output.table(&table)?;
    if !commands.is_empty() {
        // Below the table and never cut: they are there to be copied.
        output.line(format!("\nMend with:\n  {}", commands.join("\n  ")))?;
    }
    Ok(())
}
