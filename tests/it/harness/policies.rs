//! Policies that tests of several subjects share.

/// Everything is held for a person.
pub const HELD: &str = r#"
version = 1
[defaults]
mode = "approve"
[[rule]]
name = "all"
scan = "quick"
when = { source.exists = true }
"#;

/// High is scanned, medium is held for a person, nothing matches what is milder.
pub const ASKING: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "ask"
scan = "quick"
mode = "approve"
when = { severity = "medium" }
"#;
