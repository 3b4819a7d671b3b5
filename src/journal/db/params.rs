//! The values of one statement, as they are handed over.

use super::fault::DbResult;
use super::value::ToSql;

/// Where a value belongs.
#[derive(Clone, Copy)]
pub(crate) enum Slot<'n> {
    /// Counted from 1.
    Number(usize),
    /// With its colon.
    Named(&'n str),
}

/// Takes the values one after the other.
pub(crate) type Binder<'b> = &'b mut dyn FnMut(Slot<'_>, &dyn ToSql) -> DbResult<()>;

/// Values of a statement.
pub(crate) trait Params {
    fn bind(self, to: Binder<'_>) -> DbResult<()>;
}

/// Values of several types, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::journal::db::ToSql),*] as &[&dyn $crate::journal::db::ToSql]
    };
}
pub(crate) use params;

impl Params for &[&dyn ToSql] {
    fn bind(self, to: Binder<'_>) -> DbResult<()> {
        for (at, value) in self.iter().enumerate() {
            to(Slot::Number(at + 1), *value)?;
        }
        Ok(())
    }
}

impl Params for &[(&str, &dyn ToSql)] {
    fn bind(self, to: Binder<'_>) -> DbResult<()> {
        for (name, value) in self {
            to(Slot::Named(name), *value)?;
        }
        Ok(())
    }
}

impl Params for [&dyn ToSql; 0] {
    fn bind(self, _: Binder<'_>) -> DbResult<()> {
        Ok(())
    }
}

macro_rules! of_one_type {
    ($($count:literal)+) => { $(
        impl<T: ToSql> Params for [T; $count] {
            fn bind(self, to: Binder<'_>) -> DbResult<()> {
                params_from_iter(self).bind(to)
            }
        }
    )+ };
}
of_one_type!(1 2 3 4);

/// As many values as there are.
pub(crate) struct ParamsFromIter<I>(I);

pub(crate) fn params_from_iter<I>(values: I) -> ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToSql,
{
    ParamsFromIter(values)
}

impl<I> Params for ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToSql,
{
    fn bind(self, to: Binder<'_>) -> DbResult<()> {
        for (at, value) in self.0.into_iter().enumerate() {
            to(Slot::Number(at + 1), &value)?;
        }
        Ok(())
    }
}
