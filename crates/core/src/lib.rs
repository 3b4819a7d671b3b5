//! What scanhook knows and decides, without a clock, a socket, a file or a database: the same input gives the
//! same answer for ever, which is what makes decisions replayable.

#![warn(missing_docs)]

/// An enum whose variants are stable codes: used in answers, the journal, metrics and the documentation.
/// `ALL` exists so that a test can hold the documentation complete.
#[macro_export]
macro_rules! codes {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),* }
            }

            /// The variant of a code; `None` for a code this version does not know.
            #[must_use]
            pub fn of_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.code() == code)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::of_code(&code).ok_or_else(|| serde::de::Error::unknown_variant(&code, &[$($code),*]))
            }
        }
    };
}

pub mod about;
pub mod access;
pub mod alert;
pub mod comment;
pub mod counted;
pub mod delivery;
pub mod device_glob;
pub mod directory;
pub mod forecast;
pub mod json;
pub mod lease;
pub mod mapping;
pub mod message;
pub mod network;
pub mod obstacles;
pub mod percent;
pub mod person;
pub mod plain;
pub mod plan;
pub mod pointer;
pub mod quota;
pub mod rank;
pub mod repeat;
pub mod rules;
pub mod scan;
pub mod scan_sentence;
pub mod signature;
pub mod silence;
pub mod storm;
pub mod strict_json;
pub mod suggestion;
pub mod table_keys;
pub mod time;
pub mod turn;
pub mod verdict;
pub mod wait;
pub mod why;
pub mod wrapping;
