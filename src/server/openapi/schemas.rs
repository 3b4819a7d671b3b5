//! The types that are answered with, each once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::api::Page;

/// The schemas by their names.
#[derive(Default)]
pub(super) struct ApiSchemas(BTreeMap<String, RefOr<Schema>>);

impl ApiSchemas {
    /// A reference to the schema of a type, which is then here with all that it holds.
    pub(super) fn of<T: ToSchema>(&mut self) -> Value {
        self.named::<T>(T::name().into_owned())
    }

    /// A reference to the schema of a page of a list: each list has one of its own.
    pub(super) fn page_of<T: ToSchema>(&mut self) -> Value {
        self.named::<Page<T>>(format!("PageOf{}", T::name()))
    }

    fn named<T: ToSchema>(&mut self, name: String) -> Value {
        if !self.0.contains_key(&name) {
            let mut below = Vec::new();
            T::schemas(&mut below);
            self.0.extend(below);
            self.0.insert(name.clone(), T::schema());
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// A list of values of a type.
    pub(super) fn list_of<T: ToSchema>(&mut self) -> Value {
        json!({ "type": "array", "items": self.of::<T>() })
    }

    pub(super) fn json(&self) -> Value {
        // Made of texts, numbers and lists: this cannot fail.
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}
