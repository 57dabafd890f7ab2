//! `kinds`: lists what can be connected, and what each kind needs. The database is read for the kinds that added
//! extensions declare, and none is created.

use connection_contract::{Field, Guide, Kind, ToolSpec};
use connection_manifest::Catalogue;
use connection_server::convert::{self, is_called_back};

use super::{
    kind_shape::{KindBody, ToolBody},
    kinds_on_server, profiles, tool,
};
use crate::{
    Error, Exit, inbound,
    kind_entry::{KindEntry, KindSource},
    output::{Output, Table, joined},
    program::Program,
};

pub(super) async fn list(mut program: Program, all: bool) -> Result<Exit, Error> {
    if let Some(server) = &program.server {
        return kinds_on_server::list(&program.output, server).await;
    }
    program.learn_declared().await;
    let program = &program;
    let output = &program.output;
    if output.json {
        let mut bodies = Vec::new();
        for kind in &program.kinds {
            // Do not run the tools when listing all kinds.
            let tool = match kind.descriptor.tools.first() {
                Some(tool) => Some(ToolBody::of(tool, &tool::find(program, tool).await)),
                None => None,
            };
            bodies.push(body(program, kind, tool));
        }
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    let mut whole = Table::new(["KIND", "WHAT", "ASKS FOR", "CAN", "NEEDS"], 1);
    let mut asking = Table::new(["KIND", "WHAT", "ASKS FOR"], 1);
    let mut narrow = Table::new(["KIND", "WHAT", "AUTHENTICATES WITH"], 1);
    for kind in &program.kinds {
        let descriptor = &kind.descriptor;
        let fields = asked(&descriptor.fields);
        let needs: Vec<_> = descriptor.needs.iter().copied().map(convert::need_word).collect();
        let named = || [descriptor.kind.as_str().into(), descriptor.display_name.as_str().into()];
        let [kind_name, what] = named();
        whole.row([
            kind_name,
            what,
            fields.as_str().into(),
            joined(&KindBody::capabilities(kind)).into(),
            needs.join(", ").into(),
        ]);
        let [kind_name, what] = named();
        asking.row([kind_name, what, fields.as_str().into()]);
        let [kind_name, what] = named();
        narrow.row([kind_name, what, convert::auth(descriptor.auth).as_str().into()]);
    }
    if output.first_that_fits(&[whole, asking, narrow])? > 0 {
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
fn asked(fields: &[Field]) -> String {
    let asked = fields.iter().filter(|field| field.required && field.offer.is_none() && field.way.is_none());
    let mut names: Vec<_> = asked.map(|field| field.name.to_string()).collect();
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
    if let Some(server) = &program.server {
        return kinds_on_server::show(&program.output, server, name).await;
    }
    if is_declared(name) {
        program.learn_declared().await;
    }
    let program = &program;
    let kind = program.kind(name)?;
    let output = &program.output;
    let tool = match kind.descriptor.tools.first() {
        Some(tool) => Some((tool, tool::detect(program, kind, tool).await)),
        None => None,
    };
    if output.json {
        output.shape(&body(program, kind, tool.map(|(tool, found)| ToolBody::of(tool, &found))))?;
        return Ok(Exit::Fine);
    }
    let descriptor = &kind.descriptor;
    output.line(format!("{} ({})", descriptor.display_name, descriptor.kind))?;
    output.line(format!("  authenticates with: {}", convert::auth(descriptor.auth)))?;
    if let Some(extension) = &descriptor.extension {
        output.line(format!("  only for the extension: {extension}"))?;
    }
    match &kind.source {
        KindSource::File(path) => output.line(format!("  described by: {}", path.display()))?,
        KindSource::Catalogue => output.line("  described by: a file of the catalogue")?,
        KindSource::Program => {}
    }
    let capabilities = KindBody::capabilities(kind);
    if !capabilities.is_empty() {
        output.line(format!("  can: {}", joined(&capabilities)))?;
    }
    if !descriptor.origins.is_empty() {
        output.line(format!("  sends requests to: {}", descriptor.origins.join(", ")))?;
    }
    if let Some(page) = &kind.credential_page {
        output.line(format!("  its credentials are deleted at: {page}"))?;
    }
    if !descriptor.ways.is_empty() {
        let ways: Vec<_> = descriptor.ways.iter().copied().map(convert::way).map(kinds_on_server::way).collect();
        output.line(format!("  authorized {}", ways.join(", or ")))?;
    }
    if is_called_back(descriptor) {
        output.line(format!("  redirect address: {}", inbound::to_register(&program.settings, &descriptor.kind)))?;
    }
    if let Some(configured) = program.settings.kinds.get(descriptor.kind.as_str()) {
        output.line(format!("  application: kinds.{} in {}", descriptor.kind, configured.place()))?;
    }
    if let Some((tool, found)) = tool {
        show_tool(output, tool, &found)?;
    }
    if !descriptor.permission_modes.is_empty() {
        output.line(format!("  permission modes: {}", descriptor.permission_modes.join(", ")))?;
    }
    if let Some(ttl) = program.settings.usage.cache_ttl(descriptor) {
        output.line(format!("  caches a prompt for: {} s", ttl.as_secs()))?;
    }
    for line in guide(&descriptor.guide) {
        output.line(format!("  {line}"))?;
    }
    let fields: Vec<_> = descriptor.fields.iter().map(convert::kind_field).collect();
    kinds_on_server::show_fields(output, &fields)?;
    output.line(format!("\nconnections add {}", descriptor.kind))?;
    Ok(Exit::Fine)
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

fn body(program: &Program, kind: &KindEntry, tool: Option<ToolBody>) -> KindBody {
    let descriptor = &kind.descriptor;
    let address = is_called_back(descriptor).then(|| inbound::redirect_uri(&program.settings, &descriptor.kind));
    KindBody::of(kind, address, tool, program.settings.usage.cache_ttl(descriptor))
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
