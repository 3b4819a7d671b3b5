//! How metrics are written: which text format a scraper is answered with. Scrapers choose; the metrics do not care.

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' text format, which every scraper reads.
    #[default]
    Classic,
    /// OpenMetrics text, for those who ask for it.
    OpenMetrics,
}

impl Exposition {
    /// What a scraper accepts.
    #[must_use]
    pub fn accepted(accept: &str) -> Exposition {
        let asked = accept.split(',').any(|range| {
            let kind = range.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/openmetrics-text")
        });
        if asked {
            Exposition::OpenMetrics
        } else {
            Exposition::Classic
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Exposition::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
