//! The top level of a manifest: the extension's name, platforms and commands.

use connection_contract::{Command, ExtensionDeclaration, Platform, Value};

use super::{connection, preference};
use crate::{
    error::Fault,
    object::{Member, Object, ReadNotes},
};

pub(super) fn extension(document: &Value, beside: &mut ReadNotes) -> Result<ExtensionDeclaration, Fault> {
    let whole = Member { at: String::new(), value: document };
    let mut object = whole.object("a manifest must be one JSON object with a name and a connection")?;
    let name = object.need("name", NAMED)?.text(NAMED)?.to_owned();
    let connection = object
        .need("connection", "every extension must declare its connection; if it needs none, set auth.type to none")?;
    let platforms = platforms(&mut object)?;
    let preferences = preference::preferences(&mut object, beside)?;
    let commands = object
        .take("commands")
        .map_or(Ok(Vec::new()), |commands| commands.items("commands must be a list; write [] for none"))?;
    let commands = commands.into_iter().map(|member| command(member, beside)).collect::<Result<_, _>>()?;
    let mut extension = ExtensionDeclaration::new(name, connection::requirement(connection, beside)?);
    (extension.platforms, extension.preferences, extension.commands) = (platforms, preferences, commands);
    object.rest(beside);
    Ok(extension)
}

const NAMED: &str = "a manifest needs the extension's name; write it as text";

fn platforms(object: &mut Object<'_>) -> Result<Vec<Platform>, Fault> {
    const RULE: &str = "platforms must be a list of darwin, linux and win32; leave the field out for all of them";
    let platforms = object.texts("platforms", RULE)?;
    let others = object.texts("supportedPlatforms", RULE)?;
    if let (false, Some(other)) = (platforms.is_empty(), others.first()) {
        return Err(Fault::at(other.at.as_str(), "platforms may be listed only once; remove one of the two lists"));
    }
    platforms.iter().chain(&others).map(platform).collect()
}

pub(super) fn platform(member: &Member<'_>) -> Result<Platform, Fault> {
    const RULE: &str = "a platform must be darwin, linux or win32; write one of these";
    Platform::parse(member.text(RULE)?).ok_or_else(|| Fault::at(member.at.as_str(), RULE))
}

fn command(member: Member<'_>, beside: &mut ReadNotes) -> Result<Command, Fault> {
    const NAMED: &str = "a command needs a name; write it as text";
    let mut object = member.object("a command must be an object with a name")?;
    let mut command = Command::new(object.need("name", NAMED)?.text(NAMED)?.to_owned());
    command.preferences = preference::preferences(&mut object, beside)?;
    object.rest(beside);
    Ok(command)
}
