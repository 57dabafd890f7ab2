//! The kinds that extensions declare: each connects a provider that no other kind covers, and belongs to the owner who
//! added the extension.

use connection_contract::{ExtensionDeclaration, Kind};
use connection_core::ConnectionRegistry;
use connection_server::declared::{self, Checked, covered};

use crate::{Error, Exit, kind_entry::KindEntry, program::Program, spelling::misspelled};

/// Returns the known provider whose name is nearest to that of a declaration that no kind covers, if the name may be a
/// misspelling.
pub(crate) fn similar_provider(registry: &ConnectionRegistry, declaration: &ExtensionDeclaration) -> Option<Kind> {
    let provider = &declaration.requirement.provider;
    let known = covered(registry);
    if known.contains(provider) {
        return None;
    }
    misspelled(provider.as_str(), known.iter().map(Kind::as_str)).and_then(Kind::parse)
}

/// Checks a declaration that a command was given. One that makes a kind, whose provider no other kind covers, is learned.
///
/// A declaration that makes no kind is reported to people, and is no error.
pub(crate) fn check(
    program: &mut Program,
    registry: &ConnectionRegistry,
    declaration: &ExtensionDeclaration,
) -> Result<(), Error> {
    // The check reads every kind of the catalogue.
    match declared::check(registry, declaration) {
        Ok(Checked::Kind(kind)) => program.learn([KindEntry::of(&kind)]),
        Ok(Checked::NoKind(reason)) if !program.output.json => {
            let remedy = reason.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
            program.output.note(format!(
                "This declaration cannot be connected by itself: {}{remedy}. `connections kinds` lists what can be connected.",
                reason.message
            ));
        }
        Ok(_) => {}
        Err(known) => {
            return Err(Error::new(Exit::Refused, "declaration_known", known.to_string()).remedy(format!(
                "write \"provider\": \"{}\" in the manifest, which `connections add {}` connects",
                known.provider, known.kind
            )));
        }
    }
    Ok(())
}
