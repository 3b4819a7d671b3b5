//! From page to page of a list, for as long as somebody reads on.

use core::marker::PhantomData;
use std::sync::Arc;

use axum::extract::Query;
use bytes::Bytes;
use serde::Serialize;

use super::request::{ListRequest, taken};
use super::row_format::RowFormat;
use crate::api::csv::{CsvRow, heads, row};
use crate::api::{Page, Total};
use crate::clock;
use crate::server::access::{AskedBy, CallerStanding};
use crate::server::lasting::LastingAnswer;
use crate::server::order::ago;
use crate::server::query::{self, Pairs};
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::Admin;

/// Where somebody is in a list.
pub(super) struct ListWalk<T, V, F> {
    pub(super) admin: Arc<Admin>,
    pub(super) asked: AskedBy,
    standing: CallerStanding,
    lasting: LastingAnswer,
    format: RowFormat,
    /// The query of each page, without where it goes on.
    pairs: Vec<(String, String)>,
    /// Where the first page begins, if that is said.
    from: Option<String>,
    view: V,
    /// The next page, once it is read.
    page: Option<Page<T>>,
    /// Where the page after that begins, if there is one.
    next: Option<String>,
    /// Rows that may still be written.
    left: usize,
    begun: bool,
    futures: PhantomData<fn() -> F>,
}

impl<T, V, F> ListWalk<T, V, F>
where
    T: Serialize + CsvRow + Send + 'static,
    V: Fn(Arc<Admin>, AskedBy, Pairs) -> F + Send + 'static,
    F: Future<Output = Result<Page<T>, HttpError>> + Send + 'static,
{
    /// Reads the first page: what is wrong with a query is answered as such.
    pub(super) async fn begin(
        request: ListRequest,
        format: RowFormat,
        view: V,
    ) -> Result<ListWalk<T, V, F>, HttpError> {
        let ListRequest {
            admin,
            asked,
            standing,
            lasting,
            pairs,
            ..
        } = request;
        let Query(mut pairs) = match pairs {
            Ok(pairs) => pairs,
            // The view says what is wrong with it.
            Err(fault) => return Err(refused(view(admin, asked, Err(fault)).await)),
        };
        let first = view(admin.clone(), asked.clone(), Ok(Query(pairs.clone()))).await?;
        let from = taken(&mut pairs, "after")?;
        let limit = taken(&mut pairs, "limit")?;
        let limit = limit.map_or(Ok(usize::MAX), |limit| {
            query::limit("limit", &limit).map(usize::from)
        })?;
        // A span such as `1h` means the same on every page.
        let now = clock::now();
        for (key, value) in &mut pairs {
            if let ("since" | "until", Some(at)) = (key.as_str(), ago(value, now)) {
                *value = at.to_string();
            }
        }
        Ok(ListWalk {
            admin,
            asked,
            standing,
            lasting,
            format,
            pairs,
            from,
            view,
            next: first.next.clone(),
            page: Some(first),
            left: limit.min(format.most()),
            begun: false,
            futures: PhantomData,
        })
    }

    /// Reads the first page once more: what was written since belongs to it, such as the audit's own row of this.
    pub(super) async fn again(&mut self) -> Result<(), HttpError> {
        let first = self.asked_for(self.from.clone()).await?;
        self.next.clone_from(&first.next);
        self.page = Some(first);
        Ok(())
    }

    fn asked_for(&self, after: Option<String>) -> F {
        let mut pairs = self.pairs.clone();
        pairs.extend(after.map(|after| ("after".to_owned(), after)));
        (self.view)(self.admin.clone(), self.asked.clone(), Ok(Query(pairs)))
    }

    /// The query, for the audit.
    pub(super) fn told(&self) -> String {
        let pairs = self.pairs.iter();
        let told: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        told.join(" ")
    }

    /// How many rows there are, as far as that is known.
    pub(super) fn total(&self) -> Option<Total> {
        self.page.as_ref().and_then(|page| page.total.clone())
    }

    /// The rows of the next page that has some. A fault ends the answer before its end, so that nobody takes it for whole.
    pub(super) async fn next(mut self) -> Option<(Result<Bytes, HttpError>, ListWalk<T, V, F>)> {
        loop {
            self.lasting.touch();
            let page = match self.page.take() {
                Some(page) => page,
                None => match self.read().await? {
                    Ok(page) => page,
                    Err(fault) => {
                        self.next = None;
                        return Some((Err(fault), self));
                    }
                },
            };
            let text = self.written(page);
            if !text.is_empty() {
                return Some((Ok(Bytes::from(text)), self));
            }
        }
    }

    /// The page that comes next; `None`: there is none.
    async fn read(&mut self) -> Option<Result<Page<T>, HttpError>> {
        let after = self.next.take().filter(|_| self.left > 0)?;
        if !self.standing.holds(&self.admin, &self.asked).await {
            return Some(Err(AccessError::SignInRequired.into()));
        }
        let page = self.asked_for(Some(after)).await;
        if let Ok(page) = &page {
            self.next.clone_from(&page.next);
        }
        Some(page)
    }

    fn written(&mut self, page: Page<T>) -> String {
        let mut text = String::new();
        if self.format == RowFormat::Csv && !self.begun {
            text.push_str(&heads::<T>());
            text.push_str("\r\n");
        }
        self.begun = true;
        for item in page.items.into_iter().take(self.left) {
            self.left -= 1;
            match self.format {
                RowFormat::Csv => text.push_str(&row(item)),
                // A view is made of texts and numbers, which JSON can hold.
                RowFormat::Ndjson => {
                    text.push_str(&serde_json::to_string(&item).unwrap_or_default());
                }
            }
            text.push_str(match self.format {
                RowFormat::Csv => "\r\n",
                RowFormat::Ndjson => "\n",
            });
        }
        text
    }
}

fn refused<T>(answer: Result<T, HttpError>) -> HttpError {
    answer.err().unwrap_or(HttpError::Internal)
}
