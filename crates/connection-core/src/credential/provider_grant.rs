//! The grant at the provider to which a credential belongs, for a provider that can only end a whole grant.
//!
//! The store has the application and the account only as MACs. A credential is not revoked while another connection has
//! the same grant, whoever owns it. A connection whose grant is not known counts as one with the same grant for its own
//! owner.

use connection_contract::{Kind, ProviderGrant};

use crate::{
    ConnectionId,
    keys::Sealer,
    kinds::{KindEntry, KindTable},
    store::{ProviderGrantRow, Reader, StoreError},
};

/// Returns the row of a grant; `None` for a kind whose provider ends single credentials.
pub(crate) fn row(sealer: &Sealer, kind: &KindEntry, grant: Option<&ProviderGrant>) -> Option<ProviderGrantRow> {
    let grant = grant.filter(|_| kind.descriptor.revocation_ends_grant)?;
    let mac = |part: &str, value: &str| {
        let parts = [part.as_bytes(), kind.descriptor.provider.as_str().as_bytes(), value.as_bytes()];
        sealer.mac_of("connections/provider-grant/v1", &parts).to_vec()
    };
    Some(ProviderGrantRow {
        application: mac("application", &grant.application),
        account: mac("account", &grant.account),
    })
}

/// Returns `true` if another connection may depend on the grant of a credential of this kind. `own` is the grant of the
/// credential, if it is known.
pub(crate) async fn is_shared(
    reader: &mut Reader,
    kinds: &KindTable,
    kind: &KindEntry,
    owner: &str,
    id: ConnectionId,
    own: Option<&ProviderGrantRow>,
) -> Result<bool, StoreError> {
    if !kind.descriptor.revocation_ends_grant {
        return Ok(false);
    }
    let unknown = match own {
        Some(own) if reader.is_grant_shared(id, own).await? => return Ok(true),
        Some(_) => reader.kinds_without_grant(owner, id).await?,
        None => reader.kinds_beside(owner, id).await?,
    };
    let provider = &kind.descriptor.provider;
    // A kind that is not registered may be one of the provider.
    let may_share = |kind: String| {
        let kind = Kind::parse(&kind);
        // A kind that an extension brings has an application of its own.
        if kind.as_ref().is_some_and(|kind| kind.extension().is_some()) {
            return false;
        }
        let entry = kind.and_then(|kind| kinds.entry(&kind));
        entry.is_none_or(|entry| entry.descriptor.revocation_ends_grant && entry.descriptor.provider == *provider)
    };
    Ok(unknown.into_iter().any(may_share))
}
