//! Where a value comes from, as a map writes it: the small grammar that every key of a map shares.

use core::fmt;
use core::marker::PhantomData;
use std::collections::BTreeMap;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::alert::Severity;

/// Pointers with the texts they allow.
pub type Conditions = BTreeMap<String, OneOrMany<String>>;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapValue {
    /// A pointer, or `header:` and a header's name.
    Pointer(String),
    /// More than a pointer.
    Table(Box<Taken>),
}

/// A value that is looked for in a place, or made of others; then cut out of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Where it stands.
    pub path: Option<String>,
    /// Pointers and literal text, joined. One missing piece makes the whole missing.
    pub concat: Option<Vec<String>>,
    /// The text at `path` holds a document of its own. One that is none is missing.
    pub parse: Option<TextFormat>,
    /// Of what stands at `path`, only what fulfils these.
    #[serde(rename = "where")]
    pub only: Option<Conditions>,
    /// And of that, only what fulfils none of these.
    pub unless: Option<Conditions>,
    /// From there on, as a fallback list.
    pub then: Option<OneOrMany<MapValue>>,
    /// The text is a list, separated by this.
    pub split: Option<String>,
    /// The first group of this pattern, or its whole match, stands for the text. A text without a match is missing.
    pub capture: Option<String>,
}

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum TextFormat {
    /// JSON, read as strictly as the body itself.
    #[serde(rename = "json")]
    Json,
}

/// A compound key.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a compound key such as { all = [\"/fingerprint\", \"/startsAt\"] }"
)]
pub struct Compound {
    /// Its parts, each with its own fallbacks.
    pub all: Vec<OneOrMany<MapValue>>,
}

/// Where the severity stands, and what its words and numbers mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeverityMap {
    /// The value, as a fallback list. Empty where only a preset's words or bands are changed.
    pub path: OneOrMany<MapValue>,
    /// The sender's words (or numbers, as written), beside `informational`, `info`, `low`, `medium`, `high` and
    /// `critical`, which need no entry.
    pub words: BTreeMap<String, Severity>,
    /// From this number on, rising; a number below the first band is off the scale.
    pub bands: Vec<(f64, Band)>,
}

/// What the numbers of a band mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band(
    /// `None`, written `"off"`: off the scale, where the scale ends.
    pub Option<Severity>,
);

impl<'de> Deserialize<'de> for Band {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match (word.as_str(), Severity::of_code(&word)) {
            ("off", _) => Ok(Band(None)),
            (_, Some(severity)) => Ok(Band(Some(severity))),
            _ => Err(D::Error::custom(
                "a band is a severity, or \"off\" where the scale ends",
            )),
        }
    }
}

impl SeverityMap {
    /// A path of one's own is another scale, to which nothing of the preset's applies. Without one, words are replaced
    /// one by one and bands as a whole.
    pub(super) fn over(mut self, preset: SeverityMap) -> SeverityMap {
        if !self.path.0.is_empty() {
            return self;
        }
        for (word, severity) in preset.words {
            self.words.entry(word).or_insert(severity);
        }
        let bands = if self.bands.is_empty() {
            preset.bands
        } else {
            self.bands
        };
        SeverityMap {
            path: preset.path,
            words: self.words,
            bands,
        }
    }
}

/// One, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of values")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
    }
}

impl<'de> Deserialize<'de> for MapValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = MapValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer or a table with `path` or `concat`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MapValue, E> {
        Ok(MapValue::Pointer(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MapValue, A::Error> {
        Taken::deserialize(MapAccessDeserializer::new(map))
            .map(|taken| MapValue::Table(Box::new(taken)))
    }
}

impl<'de> Deserialize<'de> for SeverityMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeverityVisitor)
    }
}

struct SeverityVisitor;

impl<'de> Visitor<'de> for SeverityVisitor {
    type Value = SeverityMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a JSON pointer, a list of them, or { path = [...], words = {...}, bands = [...] }",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SeverityMap, E> {
        Ok(SeverityMap {
            path: OneOrMany(vec![MapValue::Pointer(text.to_owned())]),
            ..SeverityMap::default()
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<SeverityMap, A::Error> {
        let path = Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)?;
        Ok(SeverityMap {
            path,
            ..SeverityMap::default()
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SeverityMap, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct WordTable {
            #[serde(default)]
            path: OneOrMany<MapValue>,
            #[serde(default)]
            words: BTreeMap<String, Severity>,
            #[serde(default)]
            bands: Vec<(f64, Band)>,
        }
        let table = WordTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(SeverityMap {
            path: table.path,
            words: table.words,
            bands: table.bands,
        })
    }
}
