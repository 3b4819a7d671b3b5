//! The grammar itself: serde_json visits every value, and each number is lent its literal text.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::fault::{JsonFault, NotStrict, not_strict};
use super::number::Numbers;
use crate::json::{Json, Object};

pub(super) fn parsed(text: &str) -> Result<Json<'_>, NotStrict> {
    if text.bytes().all(|b| b.is_ascii_whitespace()) {
        return Err(NotStrict::whole(JsonFault::Empty));
    }
    let mut numbers = Numbers { text, at: 0 };
    let mut grammar = serde_json::Deserializer::from_str(text);
    let value = StrictValue {
        numbers: &mut numbers,
    }
    .deserialize(&mut grammar)
    .map_err(|e| not_strict(&e))?;
    grammar.end().map_err(|e| not_strict(&e))?;
    Ok(value)
}

struct StrictValue<'n, 'a> {
    numbers: &'n mut Numbers<'a>,
}

impl<'a> DeserializeSeed<'a> for StrictValue<'_, 'a> {
    type Value = Json<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Json<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> StrictValue<'_, 'a> {
    fn number<E: serde::de::Error>(self) -> Result<Json<'a>, E> {
        let literal = self
            .numbers
            .next()
            .ok_or_else(|| E::custom("a number without text"))?;
        Ok(Json::Number(Cow::Borrowed(literal)))
    }
}

impl<'a> Visitor<'a> for StrictValue<'_, 'a> {
    type Value = Json<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'a>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'a>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json<'a>, E> {
        self.number()
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Json<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(StrictValue {
            numbers: self.numbers,
        })? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Json<'a>, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = members.next_key_seed(MemberKey)? {
            object.push((
                key,
                members.next_value_seed(StrictValue {
                    numbers: self.numbers,
                })?,
            ));
        }
        Ok(Json::Object(Object::from(object)))
    }
}

struct MemberKey;

impl<'a> DeserializeSeed<'a> for MemberKey {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for MemberKey {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
