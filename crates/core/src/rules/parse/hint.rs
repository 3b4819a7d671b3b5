//! What people write who know another language, and what this one says in its place.

use core::ops::Range;

use crate::plain::one_line;
use crate::rules::field::Named;
use crate::rules::finding::{Finding, Level, code};

/// Names of fields in other products, without separators, and ours.
const FIELDS: &[(&[&str], Named)] = &[
    (
        &[
            "hostname",
            "host",
            "computer",
            "computername",
            "machine",
            "machinename",
            "endpoint",
            "devicename",
            "device",
            "devicehostname",
            "devicehost",
            "devicefqdn",
            "devicednsname",
            "fqdn",
            "dnsname",
            "asset",
            "agent",
            "agentname",
        ],
        Named::DeviceName,
    ),
    (
        &[
            "deviceid",
            "machineid",
            "devicemachineid",
            "mdeid",
            "mdedeviceid",
            "devicemdeid",
        ],
        Named::DeviceId,
    ),
    (
        &[
            "ip",
            "ipaddress",
            "srcip",
            "sourceip",
            "deviceips",
            "deviceaddress",
            "deviceipaddress",
            "address",
        ],
        Named::DeviceIp,
    ),
    (
        &[
            "aadid",
            "entraid",
            "aaddeviceid",
            "deviceentraid",
            "deviceaaddeviceid",
        ],
        Named::DeviceAadId,
    ),
    (
        &["tag", "tags", "devicetag", "machinetags"],
        Named::DeviceTags,
    ),
    (
        &[
            "group",
            "devicegroupname",
            "rbacgroup",
            "rbacgroupname",
            "machinegroup",
            "devicemachinegroup",
        ],
        Named::DeviceGroup,
    ),
    (
        &[
            "os",
            "osplatform",
            "deviceosplatform",
            "platform",
            "deviceplatform",
        ],
        Named::DeviceOs,
    ),
    (
        &["health", "healthstatus", "devicehealthstatus"],
        Named::DeviceHealth,
    ),
    (
        &[
            "alertseverity",
            "level",
            "priority",
            "alertpriority",
            "alertlevel",
            "risk",
            "urgency",
            "sev",
        ],
        Named::Severity,
    ),
    (
        &[
            "alertname",
            "rulename",
            "alertrule",
            "subject",
            "headline",
            "alertdescription",
        ],
        Named::AlertTitle,
    ),
    (
        &[
            "alertalertid",
            "incidentid",
            "alertincidentid",
            "alertuid",
            "alertidentifier",
        ],
        Named::AlertId,
    ),
    (
        &[
            "categories",
            "alertcategories",
            "tactic",
            "tactics",
            "alerttactics",
            "alerttactic",
            "alerttype",
        ],
        Named::AlertCategory,
    ),
    (
        &[
            "technique",
            "alerttechnique",
            "mitre",
            "alertmitre",
            "mitretechniques",
            "alertmitretechniques",
            "attack",
            "ttp",
        ],
        Named::AlertTechniques,
    ),
    (&["state", "alertstate"], Named::AlertStatus),
    (
        &[
            "product",
            "provider",
            "alertproduct",
            "alertprovider",
            "detectionsource",
            "vendor",
        ],
        Named::AlertDetector,
    ),
    (
        &[
            "timestamp",
            "alerttimestamp",
            "createdat",
            "alertcreatedat",
            "createdtime",
            "date",
        ],
        Named::AlertTime,
    ),
    (
        &[
            "username",
            "account",
            "accountname",
            "alertuser",
            "alertusername",
            "deviceuser",
            "upn",
        ],
        Named::User,
    ),
    (&["alertsource", "sender", "sourcename"], Named::Source),
    (
        &["alerttenant", "customer", "tenantname", "tenantid"],
        Named::Tenant,
    ),
];

/// The field that is meant by a name of another product.
pub(super) fn field(path: &str) -> Option<Named> {
    let bare: String = path
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    FIELDS
        .iter()
        .find(|(names, _)| names.contains(&bare.as_str()))
        .map(|(_, named)| *named)
}

/// What stands in the place of a word that joins conditions elsewhere.
pub(super) fn logic(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "and" | "&&" | "all" => "conditions in one table must all hold: put a comma between them",
        "or" | "||" | "either" | "any_of" | "anyof" => {
            "write `any = [ { … }, { … } ]`, of which one must hold"
        }
        "not" | "!" | "neither" | "none_of" | "noneof" | "nor" => {
            "write `none = [ { … } ]`, or give the rule an `unless = { … }`"
        }
        _ => return None,
    })
}

/// How a comparison is written here that is called, or written, otherwise elsewhere.
pub(super) fn comparison(operator: &str, field: &str, value: &str) -> Option<String> {
    let text = value.trim_matches(['"', '\'']);
    let operator = operator.to_lowercase();
    let bare: String = operator
        .chars()
        .filter(|c| *c != '_' && *c != '-' && *c != ' ')
        .collect();
    let with = |name: &str| format!("write `{field}.{name} = {value}`");
    Some(match bare.as_str() {
        "=" | "==" | "===" | "eq" | "equals" | "equal" | "is" | "ieq" | "iequals" => {
            format!("write `{field} = {value}`")
        }
        "!=" | "<>" | "!==" | "ne" | "neq" | "not" | "isnot" | "notequals" | "notequal"
        | "notin" | "nin" => {
            format!("write `none = [ {{ {field} = {value} }} ]`, or give the rule an `unless`")
        }
        "in" | "oneof" | "anyof" | "any" | "isin" => match value.starts_with('[') || value == "…"
        {
            true => format!("a list means any of its values: write `{field} = {value}`"),
            false => format!("a list means any of its values: write `{field} = [{value}]`"),
        },
        ">=" | "=>" | "ge" | "min" | "atleast" | "greaterorequal" | "from" => with("gte"),
        "<=" | "=<" | "le" | "max" | "atmost" | "lessorequal" => with("lte"),
        ">" | "greater" | "greaterthan" | "above" | "over" | "after" => with("gt"),
        "<" | "less" | "lessthan" | "below" | "under" | "before" => with("lt"),
        "=~" | "~" | "~=" | "matches" | "match" | "re" | "rx" | "regexp" | "regexmatch" => {
            with("regex")
        }
        "!~" => format!(
            "write `none = [ {{ {field}.regex = {value} }} ]`, or give the rule an `unless`"
        ),
        "has" | "includes" | "icontains" | "substring" | "containing" => with("contains"),
        "notcontains" => format!(
            "write `none = [ {{ {field}.contains = {value} }} ]`, or give the rule an `unless`"
        ),
        "startswith" | "beginswith" | "prefix" | "starts" => {
            format!("write `{field}.glob = \"{text}*\"`")
        }
        "endswith" | "suffix" | "ends" => format!("write `{field}.glob = \"*{text}\"`"),
        "like" | "ilike" | "wildcard" => {
            format!("write `{field}.glob = \"{}\"`", text.replace('%', "*"))
        }
        "hasall" | "containsall" | "all" => with("all_of"),
        "subnet" | "network" | "innetwork" | "insubnet" | "cidrmatch" => with("cidr"),
        "present" | "exist" | "isset" | "defined" => format!("write `{field}.exists = true`"),
        "missing" | "absent" | "empty" | "null" | "isnull" => {
            format!("write `{field}.exists = false`")
        }
        _ => return None,
    })
}

/// What belongs in the place of a key that a rule does not have.
pub(super) fn key_of_rule(key: &str) -> Option<&'static str> {
    let bare = key.split(['.', '[']).next().unwrap_or(key);
    Some(match bare.to_lowercase().as_str() {
        "condition" | "conditions" | "if" | "where" | "match" | "matches" | "filter" | "query" => {
            "write `when = { … }`"
        }
        "action" | "scan_type" | "scantype" | "type" | "kind" | "then" | "run" => {
            "write `scan = \"quick\"`, `\"full\"` or `\"none\"`"
        }
        "enabled" | "disabled" | "enable" => {
            "to switch a rule off, put `#` before its lines, or `mode = \"dry_run\"` into it"
        }
        "id" | "title" | "description" => "a rule has a `name`; put other words behind `#`",
        "order" => "the first rule that matches wins: their order in the file counts",
        "alert" | "device" => "conditions stand in `when = { … }`",
        _ if bare.starts_with('/') || Named::of_code(bare).is_some() || field(bare).is_some() => {
            "conditions stand in `when = { … }`"
        }
        _ => return None,
    })
}

/// Symbols that compare in other languages, longest first.
const SYMBOLS: &[&str] = &[
    "!==", "===", ">=", "<=", "=>", "=<", "==", "!=", "<>", "=~", "!~", "~=", ">", "<",
];
/// Words that do, and stand between a field and a value.
const WORDS: &[&str] = &[
    "not in",
    "is not",
    "in",
    "is",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "matches",
    "like",
    "startswith",
    "starts_with",
    "endswith",
    "ends_with",
    "regex",
    "has",
    "equals",
    "cidr",
    "glob",
];

/// The mistakes of a line that is not TOML, each with what this language says in its place. `start`: where the line is.
pub(super) fn syntax(line: &str, start: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, end) in unquoted(line) {
        let mut from = at;
        while from < end {
            let Some((found, length)) = mistake(line, from, start) else {
                from += line
                    .get(from..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8);
                continue;
            };
            findings.push(found);
            from += length;
        }
    }
    findings
}

/// The mistake that begins at this byte, and how long it is.
fn mistake(line: &str, at: usize, start: usize) -> Option<(Finding, usize)> {
    let (before, rest) = (line.get(..at)?, line.get(at..)?);
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Some((
            compared(line, before, symbol, &rest[symbol.len()..], start),
            symbol.len(),
        ));
    }
    let joined = |word: &str| {
        let message = format!("conditions are not joined by `{word}`");
        let span = start + at..start + at + word.len();
        logic(word).map(|remedy| (finding(span, message, remedy.to_owned()), word.len()))
    };
    if let Some(symbol) = ["&&", "||"]
        .into_iter()
        .find(|symbol| rest.starts_with(symbol))
    {
        return joined(symbol);
    }
    let ends_a_word = before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c));
    if ends_a_word {
        return None;
    }
    let word = |word: &&str| {
        let head = rest
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word));
        let next = rest.get(word.len()..).and_then(|rest| rest.chars().next());
        head && !next.is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c))
    };
    if let Some(found) = ["and", "or", "not"].iter().find(|one| word(one)) {
        let (before, after) = (before.trim_end(), rest[found.len()..].trim_start());
        let behind_value = before.ends_with(|c: char| "\"']}".contains(c) || c.is_ascii_digit());
        let first = before.ends_with(['{', ',', '=', '[', '(']) && !after.starts_with(['=', '.']);
        let is_in = word(&"not in");
        if !is_in && ((*found == "not" && first) || (*found != "not" && behind_value)) {
            return joined(&rest[..found.len()]);
        }
    }
    let found = WORDS.iter().find(|one| word(one))?;
    let after = &rest[found.len()..];
    let has_value = after
        .trim_start()
        .starts_with(|c: char| "\"'[".contains(c) || c.is_ascii_digit());
    let has_field = key_before(before).is_some();
    (has_value && has_field).then(|| {
        (
            compared(line, before, &rest[..found.len()], after, start),
            found.len(),
        )
    })
}

/// A comparison that is written as elsewhere.
fn compared(line: &str, before: &str, operator: &str, after: &str, start: usize) -> Finding {
    let key = key_before(before).unwrap_or("severity");
    let quoted = key.starts_with(['"', '\'']);
    let ours = field(key).filter(|_| !quoted && Named::of_code(key).is_none());
    let key = ours.map_or(key, |named| named.code());
    let value = value_of(after);
    let remedy = match comparison(operator, key, value) {
        Some(remedy) => remedy,
        None => format!("write `{key}.{} = {value}`", operator.to_lowercase()),
    };
    let bare = ["when", "unless"].into_iter().find(|word| {
        let rest = line.trim_start().strip_prefix(word).map(str::trim_start);
        rest.and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|rest| !rest.trim_start().starts_with('{'))
    });
    let remedy = match bare {
        Some(word) => format!("{remedy}, inside a table: `{word} = {{ … }}`"),
        None => remedy,
    };
    let at = start + before.len();
    finding(
        at..at + operator.len(),
        format!("conditions are not compared with `{operator}`"),
        remedy,
    )
}

fn finding(span: Range<usize>, message: String, remedy: String) -> Finding {
    let (message, remedy) = (one_line(&message, 200), Some(one_line(&remedy, 200)));
    Finding {
        code: code::SYNTAX,
        level: Level::Error,
        span,
        message,
        remedy,
    }
}

/// The key that ends here.
fn key_before(before: &str) -> Option<&str> {
    let before = before.trim_end();
    if let Some(quote) = before.chars().next_back().filter(|c| "\"'".contains(*c)) {
        let opened = before[..before.len() - 1].rfind(quote)?;
        return before.get(opened..);
    }
    let is_key = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let key = before.trim_end_matches(is_key).len();
    before.get(key..).filter(|key| !key.is_empty())
}

/// The value that begins here; `…` where there is none.
fn value_of(after: &str) -> &str {
    let after = after.trim();
    let end = match after.chars().next() {
        Some(quote @ ('"' | '\'')) => after[1..].find(quote).map(|end| end + 2),
        Some('[') => after.find(']').map(|end| end + 1),
        _ => after.find([' ', ',', '}', '#', ')', ']']),
    };
    let value = after
        .get(..end.unwrap_or(after.len()))
        .unwrap_or(after)
        .trim();
    if value.is_empty() { "…" } else { value }
}

/// The stretches of a line that stand outside of texts and comments.
fn unquoted(line: &str) -> Vec<(usize, usize)> {
    let (mut stretches, mut from, mut open) = (Vec::new(), 0, None);
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match open {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(quote) if c == quote => {
                open = None;
                from = at + c.len_utf8();
            }
            Some(_) => {}
            None if c == '"' || c == '\'' => {
                stretches.push((from, at));
                open = Some(c);
            }
            None if c == '#' => {
                stretches.push((from, at));
                return stretches;
            }
            None => {}
        }
    }
    if open.is_none() {
        stretches.push((from, line.len()));
    }
    stretches
}

#[cfg(test)]
mod tests;
