//! What people write who know another language, and what this one says in its place.

use super::other_name::field;
use crate::rules::named::Named;

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

#[cfg(test)]
mod tests;
