//! Whose incidents a source may be written back to. The id of an incident comes in a sender's body, so it is taken apart
//! strictly and compared with the workspace that the settings name: of it nothing but the incident's own name is used.

/// A Log Analytics workspace with Microsoft Sentinel, by its id in Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace(String);

/// What stands in the id of a workspace, with `""` for what the customer chose.
const WORKSPACE: [&str; 9] = [
    "",
    "subscriptions",
    "",
    "resourceGroups",
    "",
    "providers",
    "Microsoft.OperationalInsights",
    "workspaces",
    "",
];
/// What follows it in the id of an incident.
const INCIDENT: [&str; 4] = ["providers", "Microsoft.SecurityInsights", "incidents", ""];
/// The longest name of a thing in Azure that is taken.
const LONGEST_NAME: usize = 128;

/// A name that fits into a path as it is. Resource groups may have parentheses, and names end in no full stop.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(plain) && !text.ends_with('.')
}

/// Whether these are the segments of such an id.
fn fits(segments: &[&str], form: &[&str]) -> bool {
    let fits = |(segment, form): (&&str, &&str)| match *form {
        "" => is_name(segment),
        word => segment.eq_ignore_ascii_case(word),
    };
    segments.len() == form.len() && segments.iter().zip(form).all(fits)
}

impl Workspace {
    /// Reads the id of a workspace.
    #[must_use]
    pub fn parse(text: &str) -> Option<Workspace> {
        let segments: Vec<&str> = text.split('/').collect();
        // The first one stands before the slash.
        let (root, rest) = segments.split_first()?;
        (root.is_empty() && fits(rest, &WORKSPACE[1..])).then(|| Workspace(text.to_owned()))
    }

    /// The id, as the settings have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the incident that a sender's id means; of what is none of this workspace nothing is to be called. Letter case
    /// does not count.
    #[must_use]
    pub fn incident<'i>(&self, id: &'i str) -> Option<&'i str> {
        let segments: Vec<&str> = id.split('/').collect();
        let (workspace, incident) = segments.split_at_checked(WORKSPACE.len())?;
        let is_ours = workspace.join("/").eq_ignore_ascii_case(&self.0);
        (is_ours && fits(incident, &INCIDENT)).then(|| incident[INCIDENT.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOC: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg-soc/providers/\
                       Microsoft.OperationalInsights/workspaces/log-soc";
    const NAME: &str = "9e0c6a52-1d3b-4f6a-8a86-4d2d5e0f7c11";

    fn id(workspace: &str, between: &str) -> String {
        format!("{workspace}/providers/Microsoft.SecurityInsights/{between}/{NAME}")
    }

    #[test]
    fn an_incident_of_the_workspace_is_found_whatever_the_letter_case() {
        let soc = Workspace::parse(SOC).unwrap();
        assert_eq!(soc.incident(&id(SOC, "Incidents")), Some(NAME));
        assert_eq!(soc.incident(&id(SOC, "incidents")), Some(NAME));
        let other_case = SOC.to_uppercase();
        assert_eq!(soc.incident(&id(&other_case, "INCIDENTS")), Some(NAME));
    }

    #[test]
    fn an_incident_of_another_workspace_is_none() {
        let soc = Workspace::parse(SOC).unwrap();
        for other in [
            SOC.replace("log-soc", "log-other"),
            SOC.replace("rg-soc", "rg-other"),
            SOC.replace("0b8f7d7e", "0b8f7d7f"),
        ] {
            assert_eq!(soc.incident(&id(&other, "Incidents")), None);
        }
    }

    #[test]
    fn what_is_not_the_id_of_an_incident_is_none() {
        let soc = Workspace::parse(SOC).unwrap();
        let whole = id(SOC, "Incidents");
        for odd in [
            String::new(),
            NAME.to_owned(),
            SOC.to_owned(),
            format!("{whole}/"),
            format!("{whole}/comments/x"),
            format!("/{whole}"),
            format!("https://management.azure.com{whole}"),
            whole.replace(NAME, ".."),
            whole.replace(NAME, "a%2Fb"),
            whole.replace(NAME, "a?b"),
            whole.replace(NAME, "a b"),
            whole.replace(NAME, ""),
            whole.replace(NAME, &"a".repeat(129)),
            whole.replace("Microsoft.SecurityInsights", "Microsoft.Other"),
            whole.replace("Incidents", "alertRules"),
        ] {
            assert_eq!(soc.incident(&odd), None, "{odd}");
        }
    }

    #[test]
    fn a_workspace_is_named_by_its_whole_id() {
        for odd in [
            "",
            "log-soc",
            "/subscriptions/a/resourceGroups/b",
            &SOC[1..],
            &format!("{SOC}/"),
            &id(SOC, "incidents"),
            &SOC.replace("rg-soc", ".."),
        ] {
            assert_eq!(Workspace::parse(odd), None, "{odd}");
        }
    }
}
