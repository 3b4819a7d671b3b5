//! Reads a `when` into a [`Condition`].

use core::ops::Range;

use toml::de::{DeTable, DeValue};

use super::hint;
use super::walk::{FieldEntry, KeyValue, Node, OPERATORS, Walk, entries_of, kind};
use crate::alert::Severity;
use crate::rules::condition::{Condition, Leaf, Pattern, Relation, Test};
use crate::rules::expression::{self, Expression};
use crate::rules::field::{Field, Shape};
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::glob::Glob;
use crate::rules::network::ListNetwork;
use crate::rules::operand::Operand;
use crate::rules::text::{Folded, Number};

impl Walk<'_> {
    /// A table of conditions, all of which must hold.
    pub(super) fn condition(&mut self, value: &Node<'_>, what: &str) -> Condition {
        if value.get_ref().is_str() {
            let message = format!("{what} must be a table, not text");
            let remedy = "write fields and values: `when = { severity.gte = \"high\" }`";
            self.error_with(code::WRONG_TYPE, value.span(), message, remedy);
            return Condition::All(Vec::new());
        }
        let Some(table) = self.table(value, what) else {
            return Condition::All(Vec::new());
        };
        if table.is_empty() {
            let remedy = "to match everything, say so: `source.exists = true`";
            self.error_with(
                code::EMPTY,
                value.span(),
                format!("{what} is empty"),
                remedy,
            );
        }
        self.conjunction(table)
    }

    fn conjunction(&mut self, table: &DeTable<'_>) -> Condition {
        let mut parts = Vec::new();
        for entry in entries_of(table) {
            match entry.key {
                "any" => parts.push(Condition::Any(self.branches(&entry))),
                "none" => parts.push(Condition::None(self.branches(&entry))),
                _ => {
                    for field in self.fields(vec![entry], None) {
                        self.comparisons(&field, &mut parts);
                    }
                }
            }
        }
        Condition::All(parts)
    }

    /// The tables of `any` or `none`.
    fn branches(&mut self, entry: &KeyValue<'_, '_>) -> Vec<Condition> {
        let what = format!("`{}`", entry.key);
        let Some(array) = entry.value.get_ref().as_array() else {
            self.wrong_type(entry.value, &what, "a list of tables");
            return Vec::new();
        };
        if array.is_empty() {
            self.error(code::EMPTY, entry.value.span(), format!("{what} is empty"));
        }
        array
            .iter()
            .map(|branch| self.condition(branch, &format!("a table in {what}")))
            .collect()
    }

    /// What is asked of one field: a bare value, a bare list, or operators.
    fn comparisons(&mut self, entry: &FieldEntry<'_, '_>, out: &mut Vec<Condition>) {
        let mut tests = Vec::new();
        let mut add = |test: Option<Test>, value: &Node<'_>| {
            tests.extend(test.map(|test| (test, value.span())))
        };
        if let Some(operator) = entry.operator {
            add(
                self.operator(&entry.field, operator, entry.span.clone(), entry.value),
                entry.value,
            );
        } else if let DeValue::Table(operators) = entry.value.get_ref() {
            if operators.is_empty() {
                self.error(
                    code::EMPTY,
                    entry.span.clone(),
                    format!("`{}` has no operator", entry.field.name()),
                );
            }
            for KeyValue { key, span, value } in entries_of(operators) {
                add(self.operator(&entry.field, key, span, value), value);
            }
        } else {
            add(
                self.equals(&entry.field, entry.value).map(Test::Equals),
                entry.value,
            );
        }
        let leaf = |(test, span)| {
            Condition::Leaf(Leaf {
                field: entry.field.clone(),
                test,
                span,
            })
        };
        out.extend(tests.into_iter().map(leaf));
    }

    fn operator(
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

    /// One value, or a list of them.
    fn equals(&mut self, field: &Field, value: &Node<'_>) -> Option<Vec<Operand>> {
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
            match ListNetwork::parse(&text) {
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

    fn number(&mut self, value: &Node<'_>, what: &str) -> Option<Number> {
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

    /// `contains`, `glob` or `regex`: one pattern, or a list of which any may match.
    fn pattern(
        &mut self,
        field: &Field,
        operator: &str,
        what: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Test> {
        if matches!(field.shape(), Shape::Severity | Shape::Time) {
            self.unfit(
                field,
                what,
                span,
                "compare it with `=`, `gt`, `gte`, `lt` or `lte`",
            );
            return None;
        }
        let (mut texts, mut globs, mut expressions) = (Vec::new(), Vec::new(), Vec::new());
        for (text, span) in self.some_texts(value, what) {
            if text.is_empty() {
                let remedy = "an empty pattern matches everything; to ask whether there is a value, use `exists`";
                self.error_with(code::EMPTY, span, format!("{what} is empty"), remedy);
                continue;
            }
            let first_label = field.shape() == Shape::HostName && !text.contains('.');
            let odd = self.has_control(&text, span.clone());
            match operator {
                "contains" => texts.push(Pattern {
                    pattern: Folded::new(&text),
                    first_label,
                }),
                "glob" => match Glob::parse(&text) {
                    Ok(pattern) => globs.push(Pattern {
                        pattern,
                        first_label,
                    }),
                    Err(why) => self.error(
                        code::BAD_GLOB,
                        span,
                        format!("{} is not a glob: {why}", quoted(&text)),
                    ),
                },
                _ => {
                    let regex = self.expression(&text, what, span, odd);
                    expressions.extend(regex.map(|pattern| Pattern {
                        pattern,
                        first_label,
                    }));
                }
            }
        }
        Some(match operator {
            "contains" => Test::Contains(texts),
            "glob" => Test::Globs(globs),
            _ => Test::Matches(expressions),
        })
    }

    fn expression(
        &mut self,
        text: &str,
        what: &str,
        span: Range<usize>,
        odd: bool,
    ) -> Option<Expression> {
        if regex::escape(text) == text && !odd {
            let remedy = "use `contains`, which says what is meant";
            self.lint(
                code::LITERAL_REGEX,
                span.clone(),
                "this regular expression is plain text",
                remedy,
            );
        }
        if self.compiled > expression::ALL {
            // Said once, and nothing more is compiled.
            return None;
        }
        let why = match Expression::compile(text) {
            Ok(regex) => {
                self.compiled += regex.size();
                if self.compiled <= expression::ALL {
                    return Some(regex);
                }
                let limit = expression::ALL >> 20;
                let message = format!(
                    "with this one the regular expressions of the file take more than {limit} MiB together when compiled"
                );
                let remedy = "\\w, \\d and \\s stand for characters of all scripts: [a-z0-9_], or a shorter repetition, takes far less";
                self.error_with(code::BAD_REGEX, span, message, remedy);
                return None;
            }
            Err(why) => why,
        };
        self.error(
            code::BAD_REGEX,
            span,
            format!("{what} is not a regular expression that can be used: {why}"),
        );
        None
    }

    /// Said of an operator that exists, on a field that it is not for.
    fn unfit(&mut self, field: &Field, what: &str, span: Range<usize>, remedy: &str) {
        let message = format!("{what}: the operator has no meaning for `{}`", field.name());
        self.error_with(code::UNFIT_OPERATOR, span, message, remedy);
    }
}

/// The operators that have a meaning for a field.
fn fitting(field: &Field) -> Vec<&'static str> {
    let fits = |operator: &&&str| match (**operator, field.shape()) {
        ("exists", _) | (_, Shape::Any) => true,
        ("gte" | "gt" | "lte" | "lt", shape) => matches!(shape, Shape::Severity | Shape::Time),
        ("older_than", shape) => shape == Shape::Time,
        ("cidr", shape) => shape == Shape::Address,
        ("all_of", _) => field.is_list(),
        (_, shape) => !matches!(shape, Shape::Severity | Shape::Time),
    };
    OPERATORS.iter().filter(fits).copied().collect()
}
