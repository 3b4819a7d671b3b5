//! What the core's types look like in answers, for the description of the API: the core knows nothing of HTTP. Nothing of this
//! is ever made; tests hold answers against the description.

use utoipa::ToSchema;

/// How many people have to approve a decision, and who has.
#[derive(ToSchema)]
#[schema(as = PeopleNeeded)]
pub struct PeopleNeededShape {
    /// How many.
    pub needed: u8,
    /// The names of those who have, in order.
    pub given: Vec<String>,
}

/// A row of the audit with its place in the chain.
#[derive(ToSchema)]
#[schema(as = AuditLink)]
pub struct AuditLinkShape {
    /// The entry.
    pub entry: AuditEntryShape,
    /// The hash of the row before.
    pub prev: String,
    /// The hash of this row.
    pub hash: String,
}

/// What is recorded of one act.
#[derive(ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryShape {
    /// The row's number.
    pub id: i64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Who, as nobody else is.
    pub subject: String,
    /// Who, as shown.
    pub name: String,
    /// What proved it.
    pub how: String,
    /// For whom a program says that it acts.
    #[schema(rename = "for")]
    pub on_behalf_of: Option<String>,
    /// The address that the request came from.
    pub address: String,
    /// What was done: a verb.
    pub what: String,
    /// To what, in words.
    pub scope: String,
    /// Why, as they say.
    pub reason: Option<String>,
    /// How many things it was about.
    pub count: u64,
    /// The ids of the first of them; left out where there is none.
    #[schema(required = false)]
    pub ids: Vec<String>,
    /// What came of it: `done`, or the code of the refusal.
    pub result: String,
    /// The fingerprint of the policy in force.
    pub policy: String,
}

/// One rule or protection, and how it was judged.
#[derive(ToSchema)]
#[schema(as = Explained)]
pub struct ExplainedShape {
    /// Its name.
    pub name: String,
    /// Whether it matches: true, false, unknown or open.
    pub judged: String,
    /// The first condition that keeps it from matching; null where it matches, or where a window does.
    pub failing: Option<FailingShape>,
    /// What its own conditions saw.
    pub seen: Vec<SeenShape>,
    /// The windows it names, and how they stand at the time of the event; left out where there is none.
    #[schema(required = false)]
    pub windows: Vec<GlanceShape>,
}

/// A condition that does not hold.
#[derive(ToSchema)]
#[schema(as = Failing)]
pub struct FailingShape {
    /// As it stands in the file: the field, its operator, and the value behind them.
    pub condition: String,
    /// The value seen.
    pub seen: SeenShape,
    /// True: it does hold, inside a `none` or an `unless`, and must not.
    pub excluded: bool,
}

/// One value that a condition looked at.
#[derive(ToSchema)]
#[schema(as = Seen)]
pub struct SeenShape {
    /// The field, as the rules name it.
    pub field: String,
    /// The value as text, shortened for display; left out where it is absent.
    pub value: Option<String>,
    /// The value could not be known.
    #[schema(required = false)]
    pub unknown: bool,
}

/// A window at one time.
#[derive(ToSchema)]
#[schema(as = Glance)]
pub struct GlanceShape {
    /// What it is named for: `during`, `outside` or `start`.
    pub key: String,
    /// Its name.
    pub window: String,
    /// Whether it is open.
    pub open: bool,
    /// When it opens next, where it is closed and ever opens, as RFC 3339.
    pub opens: Option<String>,
}
