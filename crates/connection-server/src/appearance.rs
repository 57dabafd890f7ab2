//! The appearance of a host on the page of a setup link: its logo, its colour, and the addresses to which visitors return.

use std::{fmt, str::FromStr};

use connection_contract::{Link, encode};

/// The maximum size of a logo in bytes, since the page gets it in an answer.
const MAX_LOGO: usize = 64 << 10;

/// The first bytes of each format of images, and its media type.
const FORMATS: [(&[u8], &str); 5] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"<svg", "image/svg+xml"),
];

/// An error for a logo, a colour or an address that a page cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidAppearance {
    /// The text is not a colour.
    Accent,
    /// The logo is not an image that browsers show.
    LogoFormat,
    /// The logo is larger than 64 KiB.
    LogoSize,
    /// The text is not an address to which a page can lead.
    ReturnAddress,
}

impl fmt::Display for InvalidAppearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accent => "the colour is not # and six hexadecimal digits, such as #1f7a5c",
            Self::LogoFormat => "the logo is not a PNG, JPEG, GIF, WebP or SVG image; an SVG image begins with <svg",
            Self::LogoSize => "the logo is larger than 64 KiB",
            Self::ReturnAddress => {
                "the address is not https, or http on this machine, with a path and without a query and a fragment, \
                 such as https://app.example.com/settings"
            }
        })
    }
}

impl std::error::Error for InvalidAppearance {}

/// The logo of a host. The page shows it as an image, so that a script in it does not run.
///
/// ```
/// use connection_server::Logo;
///
/// let logo = Logo::new(br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>"#)?;
/// assert!(Logo::new(b"a text").is_err());
/// # drop(logo);
/// # Ok::<(), connection_server::InvalidAppearance>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Logo(String);

impl Logo {
    /// Creates a logo from the content of an image file of at most 64 KiB: PNG, JPEG, GIF, WebP, or SVG without a
    /// declaration before its element.
    ///
    /// # Errors
    ///
    /// The content is of another format, or too large.
    pub fn new(image: &[u8]) -> Result<Self, InvalidAppearance> {
        if image.len() > MAX_LOGO {
            return Err(InvalidAppearance::LogoSize);
        }
        let media_type = FORMATS.into_iter().find(|(first, _)| image.starts_with(first));
        let (_, media_type) = media_type.ok_or(InvalidAppearance::LogoFormat)?;
        Ok(Self(format!("data:{media_type};base64,{}", encode::base64(image))))
    }

    /// Returns the address of the image, which holds the image itself.
    pub(crate) fn address(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Logo").finish_non_exhaustive()
    }
}

/// The colour of a host, such as `#1f7a5c`.
///
/// ```
/// use connection_server::Accent;
///
/// assert!("#1f7a5c".parse::<Accent>().is_ok());
/// assert!("green".parse::<Accent>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accent(String);

impl FromStr for Accent {
    type Err = InvalidAppearance;

    fn from_str(text: &str) -> Result<Self, InvalidAppearance> {
        let digits = text.strip_prefix('#').ok_or(InvalidAppearance::Accent)?;
        match digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(InvalidAppearance::Accent),
        }
    }
}

impl Accent {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address to which a setup link may lead its visitor. A link may add a query to it, by which the host recognizes the
/// visitor, and nothing else.
///
/// ```
/// use connection_server::ReturnAddress;
///
/// let settings: ReturnAddress = "https://app.example.com/settings".parse()?;
/// assert!(settings.allows("https://app.example.com/settings?customer=17"));
/// assert!(!settings.allows("https://app.example.com/settings/other"));
/// assert!("http://app.example.com/".parse::<ReturnAddress>().is_err(), "others could read it on the way");
/// # Ok::<(), connection_server::InvalidAppearance>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress(String);

impl FromStr for ReturnAddress {
    type Err = InvalidAppearance;

    fn from_str(text: &str) -> Result<Self, InvalidAppearance> {
        let is_whole = Link::from_provider(text).is_some() && !text.contains(['?', '#', '@']);
        // Without a path, a query could not be told from a part of the host.
        let has_path = text.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if is_whole && has_path { Ok(Self(text.to_owned())) } else { Err(InvalidAppearance::ReturnAddress) }
    }
}

impl ReturnAddress {
    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if this is the address, perhaps with a query.
    pub fn allows(&self, address: &str) -> bool {
        let (before, _) = address.split_once('?').unwrap_or((address, ""));
        before == self.0 && !address.contains('#') && Link::from_provider(address).is_some()
    }
}
