//! The domains below which anyone can register a name.

/// Returns `true` if anyone can register a name below `domain`, as below `com`, `co.uk` or `*.kawasaki.jp`, according to
/// the [Public Suffix List](https://publicsuffix.org/list/). A port after the domain is ignored.
///
/// A suffix that a provider has registered for its customers, such as `myshopify.com`, belongs to that provider.
///
/// ```
/// use connection_oauth2::is_public_suffix;
///
/// assert!(is_public_suffix("co.uk"));
/// assert!(!is_public_suffix("acme.co.uk"));
/// assert!(!is_public_suffix("myshopify.com"));
/// ```
pub fn is_public_suffix(domain: &str) -> bool {
    let domain = domain.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let is_suffix = |name: &str| {
        psl::suffix(name.as_bytes()).is_none_or(|suffix| suffix == name && suffix.typ() != Some(psl::Type::Private))
    };
    is_suffix(&domain) || is_suffix(&format!("name.{domain}"))
}
