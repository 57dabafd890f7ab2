//! The sealed part of a connection: the credential and its reach.
//!
//! Origins and roots are sealed with the credential, so that an edited row cannot make the core send a credential
//! elsewhere.

use connection_contract::{AddressPurpose, BaseUrl, GrantedDirectory, Origin, Reach, Record, Secret, host};
use connection_egress::{AllowedOrigin, Egress, NamedBy};

use crate::{kinds::KindEntry, limits, owner::has_environment};

/// An operation that sends requests for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Refresh,
    Teardown,
    Use,
    Verify,
}

impl Operation {
    /// Returns `true` if the operation may reach an origin that was discovered for this purpose.
    fn reaches(self, purpose: AddressPurpose) -> bool {
        match self {
            Self::Refresh => purpose == AddressPurpose::Token,
            Self::Teardown => purpose == AddressPurpose::Revocation,
            Self::Use => purpose == AddressPurpose::Resource,
            Self::Verify => matches!(purpose, AddressPurpose::Resource | AddressPurpose::UserInfo),
        }
    }
}

/// An origin that the provider named in a setup, which is reached for its purpose alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiscoveredOrigin {
    pub(crate) purpose: AddressPurpose,
    pub(crate) allowed: AllowedOrigin,
}

/// A credential as its plugin wrote it, with its reach.
pub(crate) struct Payload {
    pub(crate) credential: Secret,
    pub(crate) base_url: Option<BaseUrl>,
    /// The origins that every operation reaches.
    pub(crate) origins: Vec<AllowedOrigin>,
    pub(crate) discovered: Vec<DiscoveredOrigin>,
    pub(crate) roots: Vec<GrantedDirectory>,
    /// The address of the page on which a person deletes the credential, as its plugin named it.
    pub(crate) page: Option<String>,
}

impl Payload {
    /// Creates a payload whose reach is bounded by what the descriptor declares, what a person named, and what the setup
    /// discovered.
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
        discovered: Vec<DiscoveredOrigin>,
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
        let is_sealed = |purpose| !matches!(purpose, AddressPurpose::Document | AddressPurpose::Registration);
        let discovered: Vec<_> = discovered.into_iter().filter(|found| is_sealed(found.purpose)).collect();
        // What was discovered is reached for its purpose alone, although a person named the same origin.
        let is_discovered =
            |(origin, _): &(Origin, bool)| discovered.iter().any(|found| found.allowed.origin == *origin);
        let origins = origins.into_iter().filter(|origin| !is_discovered(origin)).map(allowed).collect();
        let base_url = reach.base_url.as_ref().or(declared.base()).cloned();
        Ok(Self { credential, base_url, origins, discovered, roots: reach.roots.clone(), page: None })
    }

    /// Returns the values of the credential that an answer of the provider may repeat.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        add_values(&self.credential, &mut secrets);
        secrets
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self {
            credential: self.credential.duplicate(),
            base_url: self.base_url.clone(),
            origins: self.origins.clone(),
            discovered: self.discovered.clone(),
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
        for DiscoveredOrigin { purpose, allowed: AllowedOrigin { origin, named } } in &self.discovered {
            record = record.with(&format!("{}-{}", purpose.as_str(), tag(*named)), origin.as_str());
        }
        self.roots.iter().fold(record, |record, root| record.with("root", root.as_str())).encode()
    }

    /// Returns the payload; `None` for bytes that `encode` cannot have written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let base_url = match record.find("base") {
            Some(base) => Some(host::exact_base_url(base.expose_str()?)?),
            None => None,
        };
        let page = record.find("page").and_then(Secret::expose_str).map(str::to_owned);
        let mut origins = Vec::new();
        let mut discovered = Vec::new();
        let mut roots = Vec::new();
        for (name, value) in record.fields() {
            let (purpose, by) = name.split_once('-').map_or((None, name), |(purpose, by)| (Some(purpose), by));
            let named = [NamedBy::Nobody, NamedBy::Owner, NamedBy::Visitor].into_iter().find(|named| tag(*named) == by);
            let purpose = purpose.map(|text| AddressPurpose::ALL.into_iter().find(|purpose| purpose.as_str() == text));
            match (named, purpose) {
                (Some(named), None) => {
                    origins.push(AllowedOrigin { origin: host::origin(value.expose_str()?)?, named });
                }
                (Some(named), Some(Some(purpose))) => {
                    let allowed = AllowedOrigin { origin: host::origin(value.expose_str()?)?, named };
                    discovered.push(DiscoveredOrigin { purpose, allowed });
                }
                _ if name == "root" => roots.push(host::granted_directory(value.expose_str()?)),
                _ => {}
            }
        }
        Some(Self { credential: record.take("credential").ok()?, base_url, origins, discovered, roots, page })
    }

    /// Returns where requests of that owner may go in an operation.
    pub(crate) fn egress(&self, owner: &str, operation: Operation) -> Egress {
        let origins = self.reached(operation).cloned().collect();
        Egress { origins, is_of_process: has_environment(owner), ..Egress::default() }
    }

    /// Returns the origins that an operation reaches.
    pub(crate) fn reached(&self, operation: Operation) -> impl Iterator<Item = &AllowedOrigin> {
        self.origins.iter().chain(self.discovered(operation))
    }

    /// Returns the discovered origins that an operation reaches.
    pub(crate) fn discovered(&self, operation: Operation) -> impl Iterator<Item = &AllowedOrigin> {
        let found = self.discovered.iter().filter(move |found| operation.reaches(found.purpose));
        found.map(|found| &found.allowed)
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

/// The names of fields of a record that hold the value whose name the field before them holds.
const NAMED: [&str; 2] = ["at", "is"];

/// Adds the values of a record, also of one inside of another, but not the names that it has for them. A credential that is
/// no record is one value, and so is each of its words.
fn add_values(bytes: &Secret, values: &mut Vec<Secret>) {
    if let Ok(record) = Record::decode(bytes.expose()) {
        let mut fields = record.fields().peekable();
        while let Some((_, value)) = fields.next() {
            if fields.peek().is_none_or(|(next, _)| !NAMED.contains(next)) {
                add_values(value, values);
            }
        }
        return;
    }
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'\0' | b'"' | b',');
    values.extend(bytes.expose().split(is_between).filter(|word| !word.is_empty()).map(Secret::new));
    values.push(bytes.duplicate());
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
    fn an_origin_that_was_discovered_is_reached_for_its_purpose_alone() {
        let mut payload = Payload::decode(FORMAT_1).unwrap();
        payload.origins.clear();
        for (purpose, origin) in [
            (AddressPurpose::Resource, "https://mcp.example"),
            (AddressPurpose::Token, "https://auth.example"),
            (AddressPurpose::Revocation, "https://revoke.example"),
            (AddressPurpose::UserInfo, "https://who.example"),
            (AddressPurpose::Authorization, "https://sign-in.example"),
        ] {
            let allowed = AllowedOrigin { origin: host::origin(origin).unwrap(), named: NamedBy::Nobody };
            payload.discovered.push(DiscoveredOrigin { purpose, allowed });
        }
        let read = Payload::decode(payload.encode().expose()).unwrap();
        assert_eq!(read.discovered, payload.discovered);
        let reached =
            |operation| read.reached(operation).map(|allowed| allowed.origin.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(reached(Operation::Use), ["https://mcp.example"]);
        assert_eq!(reached(Operation::Verify), ["https://mcp.example", "https://who.example"]);
        assert_eq!(reached(Operation::Refresh), ["https://auth.example"]);
        assert_eq!(reached(Operation::Teardown), ["https://revoke.example"]);
    }

    #[test]
    fn the_names_of_values_are_no_secrets() {
        let inner = Record::new().with("access", "at-1").with("value", "subdomain").with("is", "acme").encode();
        let record = Record::new().with("version", "1").with("secret", "apiKey").with("is", "k-1secret");
        let mut payload = Payload::decode(FORMAT_1).unwrap();
        payload.credential = record.with("secret", "password").with("is", "password-2").with("oauth2", inner).encode();
        let secrets = payload.secrets();
        let found: Vec<_> = secrets.iter().map(|secret| secret.expose_str().unwrap()).collect();
        for value in ["k-1secret", "password-2", "at-1", "acme"] {
            assert!(found.contains(&value), "{value}: {found:?}");
        }
        for name in ["apiKey", "password", "subdomain"] {
            assert!(!found.contains(&name), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_field_of_a_later_format_is_passed_over_and_a_missing_credential_is_not() {
        let later = [FORMAT_1, b"\0\0\0\x05later\0\0\0\x01x"].concat();
        assert_eq!(Payload::decode(&later).unwrap().credential.expose(), b"secret");
        assert!(Payload::decode(b"\x01").is_none());
    }
}
