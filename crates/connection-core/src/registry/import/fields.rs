//! The credential of an item whose secrets have the form in which a setup asks for them.

use std::sync::Arc;

use connection_contract::{Answer, Context, Record, Secret, SetupFailure, SetupResult, host};
use connection_egress::{AllowedOrigin, NamedBy};

use crate::{
    Error,
    contain::{self, Contained},
    credential::{CredentialServices, Operation, Payload},
    error::{CRASHED, TIMED_OUT},
    ground::Ground,
    kinds::KindEntry,
    setup::{GRACE, MAX_RUN, answers},
};

/// The fields of an item: their names and what a person would enter.
pub(super) type Fields = Vec<(String, Secret)>;

/// Makes the credential of the fields, and adds to `made` what else the plugin makes of them. Returns the addresses that
/// the fields name, to which the credential may go.
///
/// A plugin without an importer may store a record of its fields, and reads it itself.
pub(super) async fn fill(
    ground: &Arc<Ground>,
    owner: &str,
    kind: &Arc<KindEntry>,
    made: &mut SetupResult<Secret>,
    fields: Fields,
) -> Result<Vec<AllowedOrigin>, Error> {
    if !kind.definition.can_import() {
        let record = fields.into_iter().fold(Record::new(), |record, (name, value)| record.with(&name, value));
        made.credential = record.encode();
        return Ok(Vec::new());
    }
    let asked: Vec<_> = kind.descriptor.fields.iter().filter(|field| field.way.is_none()).cloned().collect();
    let no_directory = |_: &str| Err("is a directory, which a person grants".into());
    let checked = answers::check(&asked, &kind.checked.patterns, &fields, &no_directory).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Error::InvalidImport(problems.join("; ").into())
    })?;
    let origins = checked.iter().filter_map(|(_, answer)| match answer {
        Answer::Url(url) => Some(url.origin().clone()),
        _ => None,
    });
    let named = origins.map(|origin| AllowedOrigin { origin, named: NamedBy::Owner }).collect();
    // Nothing is sent, so the services reach no address.
    let nowhere = Payload {
        credential: Secret::default(),
        base_url: None,
        origins: vec![],
        discovered: vec![],
        roots: vec![],
        page: None,
    };
    let services = CredentialServices::new(ground, kind, owner, &nowhere, Operation::Use).unattended();
    let definition = kind.definition.clone();
    let identity = made.identity.clone();
    let import = async move {
        contain::call(move || {
            let http = services.http();
            definition.import(identity, host::answers(checked), &Context::new(services.services(&http)))
        })
    };
    let fault = |what| Error::PluginFault { kind: kind.kind().clone(), what };
    let imported = match ground.runtimes.run(&*ground.clock, MAX_RUN + GRACE, import).await {
        Contained::Ended(Some(Some(imported))) => imported.map_err(refused)?,
        Contained::Ended(Some(None) | None) | Contained::Panicked => return Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => return Err(fault(TIMED_OUT)),
    };
    made.credential = imported.credential;
    if made.reach.base_url.is_none() {
        made.reach = imported.reach;
    }
    for (name, value) in imported.config {
        if made.config.iter().all(|(known, _)| *known != name) {
            made.config.push((name, value));
        }
    }
    Ok(named)
}

fn refused(failure: SetupFailure) -> Error {
    Error::InvalidImport(failure.message.to_string().into())
}
