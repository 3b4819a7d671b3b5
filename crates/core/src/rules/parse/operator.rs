//! Reads one operator of a field with what stands behind it. One that has no meaning for the field is told as such.

use core::ops::Range;

use toml::de::DeValue;

use super::fit::fitting;
use super::hint;
use super::walk::{Node, Walk, kind};
use crate::rules::comparison::{Relation, Test};
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::named::Shape;
use crate::rules::networks::read_network;
use crate::rules::operand::Operand;

impl Walk<'_> {
    pub(super) fn operator(
        &mut self,
        field: &Field,
        name: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        let what = format!("`{}.{name}`", field.name());
        match name {
            "gt" => self.order(field, Relation::Gt, &what, span, value),
            "gte" => self.order(field, Relation::Gte, &what, span, value),
            "lt" => self.order(field, Relation::Lt, &what, span, value),
            "lte" => self.order(field, Relation::Lte, &what, span, value),
            "contains" | "regex" | "glob" => self.pattern(field, name, &what, span, value),
            "cidr" => self.network(field, &what, span, value),
            "all_of" => self.all_of(field, &what, span, value),
            "older_than" => self.older_than(field, &what, span, value),
            "exists" => self.boolean(value, &what).map(Test::Exists),
            unknown => {
                let message = format!("`{}` has no operator {}", field.name(), quoted(unknown));
                let written = self.text_at(value);
                let remedy = hint::comparison(unknown, &field.written(), written);
                let remedy = remedy.unwrap_or_else(|| suggest(unknown, &fitting(field)));
                self.error_with(code::UNKNOWN_OPERATOR, span, message, remedy);
                None
            }
        }
    }

    fn all_of(
        &mut self,
        field: &Field,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        if !field.is_list() {
            self.unfit(field, what, span, "it holds one value; compare it with `=`");
            return None;
        }
        if !value.get_ref().is_array() {
            self.wrong_type(value, what, "a list");
            return None;
        }
        self.equals(field, value).map(Test::AllOf)
    }

    fn older_than(
        &mut self,
        field: &Field,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        if !matches!(field.shape(), Shape::Time | Shape::Any) {
            self.unfit(
                field,
                what,
                span,
                "it does not hold a time; `alert.time` does",
            );
            return None;
        }
        self.duration(value, what, true).map(Test::OlderThan)
    }

    fn network(
        &mut self,
        field: &Field,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        if !matches!(field.shape(), Shape::Address | Shape::Any) {
            self.unfit(
                field,
                what,
                span,
                "it does not hold an address; `device.ip` does",
            );
            return None;
        }
        let mut networks = Vec::new();
        for (text, span) in self.some_texts(value, what) {
            match read_network(&text) {
                Ok(network) => {
                    self.looks_like_network(&text, span);
                    networks.push(network);
                }
                Err(why) => self.error(
                    code::BAD_CIDR,
                    span,
                    format!("{} is not a network: {why}", quoted(&text)),
                ),
            }
        }
        Some(Test::Inside(networks))
    }

    fn order(
        &mut self,
        field: &Field,
        relation: Relation,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        let operand = match field.shape() {
            Shape::Severity => Operand::Severity(self.severity(value, what)?),
            Shape::Time => Operand::Time(self.time(value, what)?),
            Shape::Any => match value.get_ref() {
                DeValue::Integer(_) | DeValue::Float(_) => {
                    Operand::Number(self.number(value, what)?)
                }
                DeValue::Datetime(_) => Operand::Time(self.time(value, what)?),
                _ => {
                    let message = format!("{what} must be a number or a time, not {}", kind(value));
                    self.error_with(
                        code::WRONG_TYPE,
                        value.span(),
                        message,
                        "write it without quotes",
                    );
                    return None;
                }
            },
            _ => {
                self.unfit(
                    field,
                    what,
                    span,
                    "it has no order; compare it with `=`, `contains` or `regex`",
                );
                return None;
            }
        };
        Some(Test::Order(relation, operand))
    }
}
