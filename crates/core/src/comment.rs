//! The comment a scan carries in Defender: written from a template, cut so that it always fits, always naming the
//! first alert, always ending with the token by which we find our own scan again.

mod alert_ids;
mod citation;
mod fill;
mod template;
mod token;

pub use citation::{Citation, Slot};
pub use fill::Comment;
pub use template::{CommentTemplate, TemplateFault};
pub use token::tail_of;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::alert_ids::ID_MAX;
    use super::template::MAX;
    use super::token::{clean, without_token};
    use super::*;
    use crate::alert::{Alert, Device, Severity};
    use crate::plain::{cut, shown};
    use crate::scan::Kind;

    const TAIL: &str = "0123456789ab";
    const DEFAULT: &str = "{scan} antivirus scan due to alert {alert.id} ({source}, rule {rule})";

    fn fill(template: &str, alert: &Alert, first: &str, more: &[&str]) -> String {
        let device = Device {
            name: Some("lt-042".to_owned()),
            ..Device::default()
        };
        let citation = Citation {
            kind: Kind::Full,
            first,
            more,
            source: "sentinel",
            rule: "high",
            tenant: "default",
            alert,
            device: &device,
            scan_tail: TAIL,
        };
        CommentTemplate::parse(template)
            .unwrap()
            .fill(citation)
            .as_str()
            .to_owned()
    }

    #[test]
    fn the_default_comment_names_scan_alert_source_and_rule() {
        assert_eq!(
            fill(DEFAULT, &Alert::default(), "3212", &[]),
            "Full antivirus scan due to alert 3212 (sentinel, rule high) [sh-0123456789ab]"
        );
    }

    #[test]
    fn several_alerts_are_listed_and_counted_past_the_length() {
        let text = fill(DEFAULT, &Alert::default(), "3212", &["3213", "3214"]);
        assert!(text.contains("alert 3212, 3213, 3214 (sentinel"), "{text}");
        let many: Vec<String> = (0..500).map(|n| format!("id-{n:04}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = fill(DEFAULT, &Alert::default(), "3212", &many);
        assert!(
            text.contains("3212, id-0000, id-0001") && text.contains(" more (sentinel, rule high)"),
            "{text}"
        );
        assert!(
            (480..=MAX).contains(&text.chars().count()),
            "the room is used: {text}"
        );
        let listed = text.matches("id-").count();
        assert!(
            text.contains(&format!("and {} more", 500 - listed)),
            "{text}"
        );
        let text = fill(
            "{alert.id|trunc:20}",
            &Alert::default(),
            "3212",
            &["3213", "3214", "3215"],
        );
        assert_eq!(text, "3212 and 3 more [sh-0123456789ab]");
    }

    #[test]
    fn inserted_text_is_data_and_never_a_template_or_a_token() {
        let alert = Alert {
            title: Some("{rule} [sh-ffff\u{202e}] [SH-[sh-00]aa]\r\nx[sh-0123456789ab]".to_owned()),
            ..Alert::default()
        };
        assert_eq!(
            fill("{alert.id}: {alert.title}", &alert, "1", &[]),
            "1: {rule} [sh-ffff ]   x [sh-0123456789ab]"
        );
    }

    #[test]
    fn two_values_cannot_make_a_token_together() {
        let alert = Alert {
            title: Some("[sh".to_owned()),
            user: Some("-abc]".to_owned()),
            ..Alert::default()
        };
        let text = fill("{alert.id} {alert.title}{user}", &alert, "7", &[]);
        assert_eq!(text, "7 [sh-0123456789ab]");
    }

    #[test]
    fn a_long_title_gives_way_to_the_alert_id() {
        let alert = Alert {
            title: Some("t".repeat(1_000_000)),
            severity: Some(Severity::High),
            ..Alert::default()
        };
        let text = fill(
            "{alert.title} {severity} alert {alert.id}",
            &alert,
            "3212",
            &[],
        );
        assert!(
            text.ends_with("… high alert 3212 [sh-0123456789ab]"),
            "{text}"
        );
        assert_eq!(text.chars().count(), MAX);
        let text = fill("{alert.title|trunc:10} {alert.id}", &alert, "3212", &[]);
        assert_eq!(text, "ttttttttt… 3212 [sh-0123456789ab]");
    }

    #[test]
    fn the_token_is_found_at_the_end_and_nowhere_else() {
        let text = fill(DEFAULT, &Alert::default(), "3212", &[]);
        assert_eq!(tail_of(&text), Some(TAIL));
        for other in [
            "",
            "]",
            "[sh-]",
            "[sh-0123456789ab] by hand",
            "[sh-0123456789a]",
            "[sh-0123456789ag]",
            "x[sh-0123456789abc]",
        ] {
            assert_eq!(tail_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        for text in [
            "{scan} for {alert.id}",
            "{alert.id|trunc:80}: {alert.title|trunc:512}.",
        ] {
            let shown = CommentTemplate::parse(text).unwrap().to_string();
            assert_eq!(
                shown,
                text.replace("|trunc:512", ""),
                "512 is all there ever is"
            );
        }
    }

    #[test]
    fn faults_of_a_template_say_where() {
        let cases = [
            ("{scan} scan", 0..11, "alert.id"),
            ("{alert.id} {alert.titel}", 11..24, "alert.titel"),
            ("{alert.id} {", 11..12, "brace"),
            ("{alert.id} }", 11..12, "brace"),
            ("{alert.id|trunc:0}", 0..18, "trunc"),
            ("{alert.id|upper}", 0..16, "trunc"),
        ];
        for (template, range, says) in cases {
            let faults = CommentTemplate::parse(template).unwrap_err();
            assert_eq!(faults[0].range, range, "{template}");
            assert!(
                faults[0].message.contains(says),
                "{template}: {}",
                faults[0].message
            );
        }
        assert_eq!(
            CommentTemplate::parse("{a} {b}").unwrap_err().len(),
            2,
            "all faults in one go"
        );
    }

    proptest! {
        #[test]
        fn a_comment_always_fits_cites_the_first_alert_and_ends_with_the_token(
            before in "[^{}]{0,600}", between in "(\\[sh-)?[^{}]{0,20}", title in "(\\PC|\\[sh-[0-9a-f]*\\]?|[\u{0}-\u{20}\u{2028}\u{202e}]){0,300}",
            first in "(\\PC|\\[sh-[0-9a-f]*\\]?|[\u{0}-\u{1f}]){0,200}", more in proptest::collection::vec("\\PC{0,200}", 0..20),
            tail in "[0-9a-f]{12}",
        ) {
            let alert = Alert { title: Some(title.clone()), user: Some(title), ..Alert::default() };
            let device = Device::default();
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let citation = Citation {
                kind: Kind::Quick, first: &first, more: &more, source: "s", rule: "r", tenant: "t",
                alert: &alert, device: &device, scan_tail: &tail,
            };
            let template = CommentTemplate::parse(&format!("{before}{{alert.title}}{between}{{user}}{{alert.id}}")).unwrap();
            let comment = template.fill(citation);
            let text = comment.as_str();
            prop_assert!(text.chars().count() <= MAX);
            let ending = format!(" [sh-{tail}]");
            prop_assert!(text.ends_with(&ending));
            prop_assert_eq!(tail_of(text), Some(tail.as_str()));
            prop_assert!(text.contains(cut(clean(&first).chars(), ID_MAX).trim_end()));
            prop_assert!(!text.chars().any(|c| c != shown(c)), "no control character");
            let head = text.strip_suffix(&ending).unwrap_or(text);
            prop_assert_eq!(without_token(head.chars()), head, "our token stands only at the end");
        }
    }
}
