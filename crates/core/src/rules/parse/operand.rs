//! Reads the values that a field is compared with, each as its field wants it.

use toml::de::DeValue;

use super::walk::{Node, Walk, kind};
use crate::alert::Severity;
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::named::Shape;
use crate::rules::operand::Operand;
use crate::rules::text::Number;

impl Walk<'_> {
    /// One value, or a list of them.
    pub(super) fn equals(&mut self, field: &Field, value: &Node<'_>) -> Option<Vec<Operand>> {
        let what = format!("`{}`", field.name());
        let Some(array) = value.get_ref().as_array() else {
            return Some(vec![self.operand(field, &what, value)?]);
        };
        if array.is_empty() {
            self.error(
                code::EMPTY,
                value.span(),
                format!("the list of {what} is empty"),
            );
        }
        let operands: Vec<_> = array
            .iter()
            .map(|element| self.operand(field, &what, element))
            .collect();
        operands.into_iter().collect()
    }

    /// A value to compare with, as its field wants it.
    fn operand(&mut self, field: &Field, what: &str, value: &Node<'_>) -> Option<Operand> {
        match field.shape() {
            Shape::Severity => self.severity(value, what).map(Operand::Severity),
            Shape::Time => self.time(value, what).map(Operand::Time),
            Shape::Any => self.any_operand(field, what, value),
            shape => {
                if !value.get_ref().is_str() {
                    let message = format!("{what} must be text, not {}", kind(value));
                    self.error_with(code::WRONG_TYPE, value.span(), message, "put it in quotes");
                    return None;
                }
                let text = self.text(value, what)?;
                if text.starts_with('@') {
                    self.listed(field, text, value)
                } else {
                    self.equal_to(field, text, value.span());
                    Some(Operand::of_text(text, shape))
                }
            }
        }
    }

    /// A value for a place in the raw body, where anything may stand.
    fn any_operand(&mut self, field: &Field, what: &str, value: &Node<'_>) -> Option<Operand> {
        match value.get_ref() {
            DeValue::String(text) if text.starts_with('@') => self.listed(field, text, value),
            DeValue::String(text) => Some(Operand::of_text(text, Shape::Any)),
            DeValue::Boolean(value) => Some(Operand::Bool(*value)),
            DeValue::Datetime(_) => self.time(value, what).map(Operand::Time),
            DeValue::Integer(_) | DeValue::Float(_) => {
                self.number(value, what).map(Operand::Number)
            }
            DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong_type(value, what, "a single value");
                None
            }
        }
    }

    pub(super) fn number(&mut self, value: &Node<'_>, what: &str) -> Option<Number> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .and_then(|number| Number::parse(&number.to_string())),
            DeValue::Float(float) => Number::parse(float.as_str()),
            _ => None,
        };
        if number.is_none() {
            self.error(
                code::OUT_OF_RANGE,
                value.span(),
                format!("{what} must be a finite number"),
            );
        }
        number
    }

    /// A word of the severity scale.
    pub(super) fn severity(&mut self, value: &Node<'_>, what: &str) -> Option<Severity> {
        let text = self.text(value, what)?;
        let severity = Severity::of_code(&text.to_lowercase());
        if severity.is_none() {
            let scale: Vec<&str> = Severity::ALL
                .iter()
                .map(|severity| severity.code())
                .collect();
            let message = format!("{} is not on the severity scale", quoted(text));
            self.error_with(
                code::BAD_SEVERITY,
                value.span(),
                message,
                suggest(text, &scale),
            );
        }
        severity
    }
}
