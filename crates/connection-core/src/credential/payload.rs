//! The sealed part of a connection: the credential and its reach.
//!
//! Origins and roots are sealed with the credential, so that an edited row cannot make the core send a credential
//! elsewhere.

use connection_contract::{BaseUrl, GrantedDirectory, Kind, Origin, Reach, Record, Secret, host};
use connection_egress::{AllowedOrigin, Egress, NamedBy};
use connection_seal::Place;

use crate::{ConnectionId, kinds::KindEntry, limits, owner::has_environment};

/// A credential as its plugin wrote it, with its reach.
pub(crate) struct Payload {
    pub(crate) credential: Secret,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) origins: Vec<AllowedOrigin>,
    pub(crate) roots: Vec<GrantedDirectory>,
    /// The address of the page on which a person deletes the credential, as its plugin named it.
    pub(crate) page: Option<String>,
}

impl Payload {
    /// Creates a payload whose reach is bounded by what the descriptor declares and what a person named.
    ///
    /// # Errors
    ///
    /// An error if the plugin asks for more.
    pub(crate) fn new(
        kind: &KindEntry,
        reach: &Reach,
        credential: Secret,
        named: &[AllowedOrigin],
        granted: &[GrantedDirectory],
    ) -> Result<Self, &'static str> {
        let declared = &kind.checked;
        let addresses: Vec<_> = declared.addresses.iter().map(|(_, base)| base.origin()).collect();
        let texts: Vec<_> = named.iter().map(|named| named.origin.clone()).collect();
        let bounds = limits::Bounds::new(&addresses, |origin: &Origin| declared.declares(origin), &texts, granted);
        let origins = limits::reach(reach, &bounds)?;
        let allowed = |(origin, is_named)| {
            let named = named.iter().find(|named| is_named && named.origin == origin).cloned();
            named.unwrap_or(AllowedOrigin { origin, named: NamedBy::Nobody })
        };
        let origins = origins.into_iter().map(allowed).collect();
        let base_url = reach.base_url.as_ref().or(declared.base()).cloned();
        Ok(Self { credential, base_url, origins, roots: reach.roots.clone(), page: None })
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self {
            credential: self.credential.duplicate(),
            base_url: self.base_url.clone(),
            origins: self.origins.clone(),
            roots: self.roots.clone(),
            page: self.page.clone(),
        }
    }

    /// Returns the bytes of the payload. The store receives them only sealed.
    pub(crate) fn encode(&self) -> Secret {
        let mut record = Record::new().with("credential", self.credential.duplicate());
        if let Some(base) = &self.base_url {
            record = record.with("base", base.to_string());
        }
        if let Some(page) = &self.page {
            record = record.with("page", page.as_str());
        }
        for AllowedOrigin { origin, named } in &self.origins {
            record = record.with(tag(*named), origin.as_str());
        }
        self.roots.iter().fold(record, |record, root| record.with("root", root.as_str())).encode()
    }

    /// Returns the payload; `None` for bytes that `encode` cannot have written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let base_url = match record.find("base") {
            Some(base) => Some(host::base_url(base.expose_str()?)?),
            None => None,
        };
        let page = record.find("page").and_then(Secret::expose_str).map(str::to_owned);
        let mut origins = Vec::new();
        let mut roots = Vec::new();
        for (name, value) in record.fields() {
            let named = [NamedBy::Nobody, NamedBy::Owner, NamedBy::Visitor].into_iter().find(|by| tag(*by) == name);
            match named {
                Some(named) => origins.push(AllowedOrigin { origin: host::origin(value.expose_str()?)?, named }),
                None if name == "root" => roots.push(host::granted_directory(value.expose_str()?)),
                None => {}
            }
        }
        Some(Self { credential: record.take("credential").ok()?, base_url, origins, roots, page })
    }

    /// Returns where requests of that owner may go.
    pub(crate) fn egress(&self, owner: &str) -> Egress {
        Egress { origins: self.origins.clone(), is_of_process: has_environment(owner), ..Egress::default() }
    }

    /// Returns the place in which the payload of one generation is sealed.
    pub(crate) fn place<'a>(id: &'a ConnectionId, owner: &'a str, kind: &'a Kind, generation: i64) -> Place<'a> {
        Place {
            table: "connection_credential",
            column: "sealed",
            key: id.as_bytes(),
            owner,
            kind: kind.as_str(),
            sequence: generation,
        }
    }
}

/// Returns the name of the field that holds an origin.
fn tag(named: NamedBy) -> &'static str {
    match named {
        NamedBy::Nobody => "declared",
        NamedBy::Owner => "named",
        NamedBy::Visitor => "visited",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first format. Existing stores hold these bytes, sealed.
    const FORMAT_1: &[u8] = b"\x01\
        \0\0\0\x0acredential\0\0\0\x06secret\
        \0\0\0\x04base\0\0\0\x20https://api.acme.example/base/v1\
        \0\0\0\x08declared\0\0\0\x18https://api.acme.example\
        \0\0\0\x05named\0\0\0\x19https://acme.example:8443\
        \0\0\0\x04root\0\0\0\x0f/home/ada/notes";

    #[test]
    fn the_first_sealed_format_is_still_read_and_written() {
        let payload = Payload::decode(FORMAT_1).unwrap();
        assert_eq!(payload.credential.expose(), b"secret");
        assert_eq!(payload.base_url.as_ref().unwrap().to_string(), "https://api.acme.example/base/v1");
        let origins = payload.origins.iter().map(|allowed| (allowed.origin.as_str(), allowed.named));
        let expected = [("https://api.acme.example", NamedBy::Nobody), ("https://acme.example:8443", NamedBy::Owner)];
        assert_eq!(origins.collect::<Vec<_>>(), expected);
        assert_eq!(payload.roots, [host::granted_directory("/home/ada/notes")]);
        assert_eq!(payload.encode().expose(), FORMAT_1);
    }

    #[test]
    fn an_origin_that_a_visitor_named_is_still_that_of_a_visitor_when_it_is_read() {
        let mut payload = Payload::decode(FORMAT_1).unwrap();
        payload.origins.last_mut().unwrap().named = NamedBy::Visitor;
        assert_eq!(Payload::decode(payload.encode().expose()).unwrap().origins, payload.origins);
    }

    #[test]
    fn a_field_of_a_later_format_is_passed_over_and_a_missing_credential_is_not() {
        let later = [FORMAT_1, b"\0\0\0\x05later\0\0\0\x01x"].concat();
        assert_eq!(Payload::decode(&later).unwrap().credential.expose(), b"secret");
        assert!(Payload::decode(b"\x01").is_none());
    }
}
