//! The macro that gives an error its codes and remedies.

/// Implements `code` and `remedy` of an error from a table with a row for each variant: its pattern, its code and, if
/// something can be done, its remedy.
macro_rules! codes_and_remedies {
    ($error:ident { $($variant:pat => $code:expr $(, $remedy:expr)?;)+ }) => {
        #[allow(unused_variables, reason = "a row may need a field only for its code, or only for its remedy")]
        impl $error {
            /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
            pub fn code(&self) -> &'static str {
                match self {
                    $($variant => $code,)+
                }
            }

            /// Returns what a person can do about the error, if anything.
            pub fn remedy(&self) -> Option<String> {
                match self {
                    $($variant => $crate::error::table::codes_and_remedies!(@remedy $($remedy)?),)+
                }
            }
        }
    };
    (@remedy) => {
        None
    };
    (@remedy $remedy:expr) => {
        $crate::error::table::Remedy::from($remedy).0
    };
}

pub(crate) use codes_and_remedies;

/// A remedy in any form in which a row may give it.
pub(crate) struct Remedy(pub(crate) Option<String>);

impl From<&str> for Remedy {
    fn from(remedy: &str) -> Self {
        Self(Some(remedy.to_owned()))
    }
}

impl From<String> for Remedy {
    fn from(remedy: String) -> Self {
        Self(Some(remedy))
    }
}

impl From<Option<String>> for Remedy {
    fn from(remedy: Option<String>) -> Self {
        Self(remedy)
    }
}
