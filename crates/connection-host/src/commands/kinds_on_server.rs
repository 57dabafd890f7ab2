//! `kinds` on a server: what can be connected there. The API tells what a person needs for connecting an account, and
//! nothing of the tools and files of the server's machine.

use connection_api::{Guide, KindField, Way};

use crate::{
    Error, Exit,
    backend::Remote,
    output::{Output, Table, joined},
};

pub(super) async fn list(output: &Output, server: &Remote) -> Result<Exit, Error> {
    let mut kinds = server.client.kinds().await?;
    kinds.sort_by(|a, b| a.kind.cmp(&b.kind));
    if output.json {
        output.shape(&kinds)?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["KIND", "WHAT", "AUTHENTICATES WITH"], 1);
    for kind in &kinds {
        table.row([kind.kind.as_str().into(), kind.title.as_str().into(), kind.auth.as_str().into()]);
    }
    output.table(&table)?;
    output.line("\n`connections kinds show KIND` shows more about a kind.")?;
    Ok(Exit::Fine)
}

pub(super) async fn show(output: &Output, server: &Remote, name: &str) -> Result<Exit, Error> {
    let kind = server.kind(name).await?;
    if output.json {
        output.shape(&kind)?;
        return Ok(Exit::Fine);
    }
    output.line(format!("{} ({})", kind.listed.title, kind.listed.kind))?;
    output.line(format!("  authenticates with: {}", kind.listed.auth))?;
    if let Some(extension) = &kind.extension {
        output.line(format!("  only for the extension: {extension}"))?;
    }
    if !kind.capabilities.is_empty() {
        output.line(format!("  can: {}", joined(&kind.capabilities)))?;
    }
    if !kind.ways.is_empty() {
        let ways: Vec<_> = kind.ways.iter().copied().map(way).collect();
        output.line(format!("  authorized {}", ways.join(", or ")))?;
    }
    if let Some(address) = &kind.redirect_uri {
        output.line(format!("  redirect address: {address}"))?;
    }
    for Guide { text, open } in &kind.guide {
        let address = open.as_ref().map(|address| format!(": {address}")).unwrap_or_default();
        output.line(format!("  {text}{address}"))?;
    }
    show_fields(output, &kind.fields)?;
    output.line(format!("\nconnections add {}", kind.listed.kind))?;
    Ok(Exit::Fine)
}

/// Prints the fields that a setup may ask for.
pub(super) fn show_fields(output: &Output, fields: &[KindField]) -> Result<(), Error> {
    let mut table = Table::new(["FIELD", "WHAT", "INPUT", "REQUIRED", "HELP"], 1);
    for field in fields {
        let many = if field.many { ", one or more" } else { "" };
        table.row([
            field.name.as_str().into(),
            field.label.as_str().into(),
            format!("{}{many}", field.input).into(),
            required(field).into(),
            field.help.as_deref().unwrap_or_default().into(),
        ]);
    }
    output.line("")?;
    output.table(&table)
}

/// Returns whether a field must be answered, and when.
fn required(field: &KindField) -> &'static str {
    match (field.required, field.way) {
        (false, _) => "no",
        (true, Some(Way::Paste)) => "to paste",
        (true, Some(_)) => "one way",
        (true, None) if field.once => "once",
        (true, None) => "yes",
    }
}

pub(super) fn way(way: Way) -> &'static str {
    match way {
        Way::Browser => "in a browser that comes back",
        Way::Device => "with a code, on any machine (--device)",
        Way::Paste => "in any browser, by pasting the address it ends on (--paste)",
        _ => "elsewhere",
    }
}
