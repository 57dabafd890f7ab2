//! The closed lists of words, as enums.

/// Defines enums whose variants are words.
///
/// A list that ends with `_` is one of answers: its last variant is read for a word of a later version of the server, and
/// is never written. A list without it is one of requests, in which an unknown word is refused.
macro_rules! words {
    ($(
        $(#[$about:meta])*
        $name:ident$(($schema:literal))? {
            $($(#[$of:meta])* $variant:ident = $word:literal,)+
            $(_ => $later:ident,)?
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)+
            $(
                /// A word of a later version of the server.
                #[serde(other, skip_serializing)]
                $later,
            )?
        }

        impl $name {
            /// The words of the list, in its order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// Returns the variant of a word; `None` for a word that is not in the list.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Returns the word, as it is written. A word of a later version was not kept, and is `unknown` here.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    $(Self::$later => "unknown",)?
                }
            }
        }

        $(
            impl From<&str> for $name {
                /// Returns the variant of a word. Another word is one of a later version, as in an answer that is read.
                fn from(word: &str) -> Self {
                    Self::parse(word).unwrap_or(Self::$later)
                }
            }
        )?

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
                text.enum_values(Some(Self::WORDS.iter().copied())).into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                // A list of requests may have the name of one of answers, whose words are the same.
                $crate::words::first(&[$($schema,)? stringify!($name)]).into()
            }
        }
    )+};
}

pub(crate) use words;

/// Returns the first of these names.
#[cfg(feature = "schema")]
pub(crate) fn first(names: &[&'static str]) -> &'static str {
    names.first().copied().unwrap_or_default()
}
