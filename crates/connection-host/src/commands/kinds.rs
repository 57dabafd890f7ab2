//! `kinds`: what can be connected, and what each needs. Opens nothing.

use connection_contract::Guide;

use crate::{
    Error, Exit,
    cli::{KindEntry, Program},
    output::{Table, json},
};

pub(super) fn list(program: &Program) -> Result<Exit, Error> {
    let output = &program.output;
    if output.json {
        let bodies: Vec<_> = program.kinds.iter().map(json::KindBody::from).collect();
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["KIND", "WHAT", "ASKS FOR", "CAN", "NEEDS"], 1);
    for kind in &program.kinds {
        let descriptor = &kind.descriptor;
        let fields: Vec<_> = descriptor.fields.iter().map(|field| &*field.name).collect();
        let needs: Vec<_> = descriptor.needs.iter().copied().map(json::need_word).collect();
        table.row([
            descriptor.kind.as_str().into(),
            descriptor.display_name.as_str().into(),
            fields.join(", ").into(),
            json::KindBody::capabilities(kind).join(", ").into(),
            needs.join(", ").into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

pub(super) fn show(program: &Program, name: &str) -> Result<Exit, Error> {
    let kind = program.kind(name)?;
    let output = &program.output;
    if output.json {
        output.shape(&json::KindBody::from(kind))?;
        return Ok(Exit::Fine);
    }
    let descriptor = &kind.descriptor;
    output.line(format!("{} ({})", descriptor.display_name, descriptor.kind))?;
    output.line(format!("  proves who it is with: {}", json::auth_word(descriptor.auth)))?;
    let capabilities = json::KindBody::capabilities(kind);
    if !capabilities.is_empty() {
        output.line(format!("  can: {}", capabilities.join(", ")))?;
    }
    if !descriptor.origins.is_empty() {
        output.line(format!("  talks to: {}", descriptor.origins.join(", ")))?;
    }
    for line in guide(kind) {
        output.line(format!("  {line}"))?;
    }
    let mut table = Table::new(["FIELD", "WHAT", "INPUT", "REQUIRED", "HELP"], 1);
    for field in &descriptor.fields {
        let input = json::input_word(&field.input);
        table.row([
            field.name.as_ref().into(),
            field.label.as_str().into(),
            if field.many { format!("{input}, one or more").into() } else { input.into() },
            if field.required { "yes" } else { "no" }.into(),
            field.help.as_ref().map_or("", |help| help.as_str()).into(),
        ]);
    }
    output.line("")?;
    output.table(&table)?;
    output.line(format!("\nconnections add {}", descriptor.kind))?;
    Ok(Exit::Fine)
}

/// How to get a credential, line by line.
pub(super) fn guide(kind: &KindEntry) -> Vec<String> {
    let line = |part: &Guide| match part {
        Guide::Text(text) => text.to_string(),
        Guide::Link(text, url) => format!("{text}: {url}"),
        _ => String::new(),
    };
    kind.descriptor.guide.iter().map(line).filter(|line| !line.is_empty()).collect()
}
