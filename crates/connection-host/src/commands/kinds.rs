//! `kinds`: lists what can be connected, and what each kind needs. The database is read for the kinds that added
//! extensions declare, and none is created. A server tells what a person needs for connecting an account, and nothing
//! of the tools and files of its machine.

use connection_api::{Guide as GuideShape, KindField, KindSummary, Way};
use connection_contract::{Guide, Kind, ToolSpec};
use connection_manifest::Catalogue;
use connection_server::convert;

use super::{
    kind_shape::{KindBody, PrintedKind, ToolBody},
    profiles, tool,
};
use crate::{
    Error, Exit,
    backend::PlaceKind,
    inbound,
    kind_entry::{KindEntry, KindSource},
    output::{Output, Table, joined},
    program::Program,
};

pub(super) async fn list(mut program: Program, all: bool) -> Result<Exit, Error> {
    program.learn_declared().await;
    let program = &program;
    let output = &program.output;
    let mut kinds = program.place_kinds().list().await?;
    kinds.sort_by(|a, b| a.summary().kind.cmp(&b.summary().kind));
    if output.json {
        let mut bodies = Vec::new();
        for kind in kinds {
            // Do not run the tools when listing all kinds.
            let tool = match tool_of(&kind) {
                Some(tool) => Some(ToolBody::of(tool, &tool::find(program, tool).await)),
                None => None,
            };
            bodies.push(printed(program, kind, tool));
        }
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    let mut whole = Table::new(["KIND", "WHAT", "ASKS FOR", "CAN", "NEEDS"], 1);
    let mut asking = Table::new(["KIND", "WHAT", "ASKS FOR"], 1);
    let mut narrow = Table::new(["KIND", "WHAT", "AUTHENTICATES WITH"], 1);
    for kind in &kinds {
        let KindSummary { kind: name, title, auth, .. } = kind.summary();
        narrow.row([name.as_str().into(), title.as_str().into(), auth.as_str().into()]);
        let PlaceKind::Own(own) = kind else { continue };
        let fields = asked(&own.description.fields);
        let needs: Vec<_> = own.entry.descriptor.needs.iter().copied().map(convert::need_word).collect();
        whole.row([
            name.as_str().into(),
            title.as_str().into(),
            fields.as_str().into(),
            joined(&own.description.capabilities).into(),
            needs.join(", ").into(),
        ]);
        asking.row([name.as_str().into(), title.as_str().into(), fields.into()]);
    }
    let shows_all = match &program.server {
        // The list of a server has neither fields nor capabilities.
        Some(_) => {
            output.table(&narrow)?;
            false
        }
        None => output.first_that_fits(&[whole, asking, narrow])? == 0,
    };
    if !shows_all {
        output.line("\n`connections kinds show KIND` shows more about a kind.")?;
    }
    if program.has_catalogue && !all {
        let is_listed = |id: &&str| program.kinds.iter().any(|kind| kind.descriptor.kind.as_str() == *id);
        let more = Catalogue::ids().filter(|id| !is_listed(id)).count();
        output.line(format!("{more} kinds of the catalogue are not shown."))?;
        output.line("`connections kinds --all` lists them as well.")?;
    }
    Ok(Exit::Fine)
}

/// Returns the names of the fields that every setup asks for, whatever its way, and how many others there are.
fn asked(fields: &[KindField]) -> String {
    let asked = fields.iter().filter(|field| field.required && field.offer.is_none() && field.way.is_none());
    let mut names: Vec<_> = asked.map(|field| field.name.clone()).collect();
    let others = match fields.len() - names.len() {
        0 => return names.join(", "),
        1 => "1 other".to_owned(),
        more => format!("{more} others"),
    };
    match names.last_mut() {
        Some(last) => *last = format!("{last} and {others}"),
        None => names.push(others),
    }
    names.join(", ")
}

pub(super) async fn show(mut program: Program, name: &str) -> Result<Exit, Error> {
    if is_declared(name) {
        program.learn_declared().await;
    }
    let program = &program;
    let kind = program.place_kinds().show(name).await?;
    let output = &program.output;
    let tool = match kind.entry().zip(tool_of(&kind)) {
        Some((entry, tool)) => Some((tool, tool::detect(program, entry, tool).await)),
        None => None,
    };
    if output.json {
        let tool = tool.map(|(tool, found)| ToolBody::of(tool, &found));
        output.shape(&printed(program, kind, tool))?;
        return Ok(Exit::Fine);
    }
    let summary = kind.summary();
    let description = kind.description();
    output.line(format!("{} ({})", summary.title, summary.kind))?;
    output.line(format!("  authenticates with: {}", summary.auth))?;
    if let Some(extension) = &description.extension {
        output.line(format!("  only for the extension: {extension}"))?;
    }
    match kind.entry().map(|entry| &entry.source) {
        Some(KindSource::File(path)) => output.line(format!("  described by: {}", path.display()))?,
        Some(KindSource::Catalogue) => output.line("  described by: a file of the catalogue")?,
        Some(KindSource::Program) | None => {}
    }
    if !description.capabilities.is_empty() {
        output.line(format!("  can: {}", joined(&description.capabilities)))?;
    }
    if let Some(entry) = kind.entry() {
        show_addresses(output, entry)?;
    }
    if !description.ways.is_empty() {
        let ways: Vec<_> = description.ways.iter().copied().map(way).collect();
        output.line(format!("  authorized {}", ways.join(", or ")))?;
    }
    if let Some(address) = &description.redirect_uri {
        let noted = kind.entry().map(|entry| inbound::to_register(&program.settings, &entry.descriptor.kind));
        output.line(format!("  redirect address: {}", noted.as_ref().unwrap_or(address)))?;
    }
    if let Some(entry) = kind.entry() {
        show_settings(program, entry, tool)?;
    }
    for GuideShape { text, open } in &description.guide {
        let address = open.as_ref().map(|address| format!(": {address}")).unwrap_or_default();
        output.line(format!("  {text}{address}"))?;
    }
    show_fields(output, &description.fields)?;
    output.line(format!("\nconnections add {}", summary.kind))?;
    Ok(Exit::Fine)
}

/// Prints the origins to which requests are sent, and the page on which credentials are deleted.
fn show_addresses(output: &Output, entry: &KindEntry) -> Result<(), Error> {
    if !entry.descriptor.origins.is_empty() {
        output.line(format!("  sends requests to: {}", entry.descriptor.origins.join(", ")))?;
    }
    match &entry.credential_page {
        Some(page) => output.line(format!("  its credentials are deleted at: {page}")),
        None => Ok(()),
    }
}

/// Prints what this machine has and configures for a kind.
fn show_settings(program: &Program, entry: &KindEntry, tool: Option<(&ToolSpec, tool::Detected)>) -> Result<(), Error> {
    let output = &program.output;
    let descriptor = &entry.descriptor;
    if let Some(configured) = program.settings.kinds.get(descriptor.kind.as_str()) {
        output.line(format!("  application: kinds.{} in {}", descriptor.kind, configured.place()))?;
    }
    if let Some((tool, found)) = tool {
        show_tool(output, tool, &found)?;
    }
    if !descriptor.permission_modes.is_empty() {
        output.line(format!("  permission modes: {}", descriptor.permission_modes.join(", ")))?;
    }
    match program.settings.usage.cache_ttl(descriptor) {
        Some(ttl) => output.line(format!("  caches a prompt for: {} s", ttl.as_secs())),
        None => Ok(()),
    }
}

fn show_tool(output: &Output, tool: &ToolSpec, found: &tool::Detected) -> Result<(), Error> {
    output.line(format!("  tool: {}", found.describe(tool)))?;
    if let Some((directory, probe)) = &found.found {
        let account =
            profiles::signed_in(probe.authenticated, probe.account_label.as_ref().map(|label| label.as_str()));
        let account = if account.is_empty() { "not known" } else { account };
        output.line(format!("  signed in: {account}, by {}", profiles::display_path(directory)))?;
    }
    Ok(())
}

/// Prints the fields that a setup may ask for.
fn show_fields(output: &Output, fields: &[KindField]) -> Result<(), Error> {
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

fn way(way: Way) -> &'static str {
    match way {
        Way::Browser => "in a browser that comes back",
        Way::Device => "with a code, on any machine (--device)",
        Way::Paste => "in any browser, by pasting the address it ends on (--paste)",
        _ => "elsewhere",
    }
}

/// Returns the local tool of a kind; the first one if there are several.
fn tool_of<S>(kind: &PlaceKind<S>) -> Option<&ToolSpec> {
    kind.entry().and_then(|entry| entry.descriptor.tools.first())
}

fn printed<S>(program: &Program, kind: PlaceKind<S>, tool: Option<ToolBody>) -> PrintedKind<S> {
    match kind {
        PlaceKind::Own(own) => {
            let cache_ttl = program.settings.usage.cache_ttl(&own.entry.descriptor);
            PrintedKind::Own(Box::new(KindBody::of(*own, tool, cache_ttl)))
        }
        PlaceKind::Server(shape) => PrintedKind::Server(shape),
    }
}

/// Returns `true` for the name of a kind that an extension declares.
pub(super) fn is_declared(name: &str) -> bool {
    Kind::parse(name).is_some_and(|kind| kind.extension().is_some())
}

/// Returns the lines of a guide to a credential.
pub(super) fn guide(parts: &[Guide]) -> Vec<String> {
    let line = |part: &Guide| match part {
        Guide::Text(text) => text.to_string(),
        Guide::Link(text, url) => format!("{text}: {url}"),
        _ => String::new(),
    };
    parts.iter().map(line).filter(|line| !line.is_empty()).collect()
}
