#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::time::Timestamp;
use toml::de::DeTable;

fn window(text: &str) -> Window {
    let text = format!("[windows.w]\n{text}");
    let tree = DeTable::parse(&text).unwrap();
    let mut walk = Walk::new(&text);
    walk.windows(tree.get_ref().get("windows").unwrap());
    assert!(
        walk.findings
            .iter()
            .all(|finding| finding.level == crate::rules::Level::Lint),
        "{:?}",
        walk.findings
    );
    walk.windows.remove(0)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn berlin(rest: &str) -> Window {
    window(&format!("timezone = \"Europe/Berlin\"\n{rest}"))
}

#[test]
fn hours_may_cross_midnight_and_belong_to_the_day_they_open() {
    let nights = berlin("days = [\"mon-fri\"]\nhours = [\"22:00-05:00\"]");
    for (time, open) in [
        ("2026-03-06T21:59:59+01:00", false),
        ("2026-03-06T22:00:00+01:00", true), // a Friday
        ("2026-03-07T04:59:59+01:00", true),
        ("2026-03-07T05:00:00+01:00", false),
        ("2026-03-07T22:30:00+01:00", false), // a Saturday
        ("2026-03-09T03:00:00+01:00", false), // Monday morning belongs to Sunday
        ("2026-03-09T22:00:00+01:00", true),
    ] {
        assert_eq!(nights.is_open(at(time)), open, "{time}");
    }
    assert_eq!(
        nights.next_opening(at("2026-03-07T05:00:00+01:00")),
        at("2026-03-09T22:00:00+01:00")
    );
    let open = at("2026-03-06T23:00:00+01:00");
    assert_eq!(nights.next_opening(open), open, "it is open already");
}

#[test]
fn without_hours_it_is_the_whole_day_and_a_range_of_days_may_pass_the_end_of_the_week() {
    let weekend = window("timezone = \"UTC\"\ndays = [\"sat-mon\"]");
    assert!(
        weekend.is_open(at("2026-03-09T23:59:59Z")) && !weekend.is_open(at("2026-03-10T00:00:00Z"))
    );
    let all_day = window("timezone = \"UTC\"\nhours = [\"00:00-24:00\"]");
    assert!(all_day.is_open(at("2026-03-10T00:00:00Z")));
    let two = window("timezone = \"UTC\"\nhours = [\"06:00-07:00\", \"12:00-13:00\"]");
    assert_eq!(
        two.next_opening(at("2026-03-10T08:00:00Z")),
        at("2026-03-10T12:00:00Z")
    );
}

#[test]
fn an_hour_that_the_clock_skips_opens_the_window_when_the_clock_jumps() {
    // On 2026-03-29 at 02:00 the clocks of Berlin go to 03:00.
    let through = berlin("hours = [\"02:30-04:00\"]");
    let jump = at("2026-03-29T03:00:00+02:00");
    assert_eq!(through.next_opening(at("2026-03-29T01:00:00+01:00")), jump);
    assert!(through.is_open(jump) && !through.is_open(at("2026-03-29T01:59:59+01:00")));
    let inside = berlin("hours = [\"02:15-02:45\"]");
    assert_eq!(inside.next_opening(at("2026-03-29T01:00:00+01:00")), jump);
    for (time, open) in [
        ("2026-03-29T01:59:59+01:00", false),
        ("2026-03-29T03:00:00+02:00", true),
        ("2026-03-29T03:29:59+02:00", true),
        ("2026-03-29T03:30:00+02:00", false), // half an hour, as on other days
        ("2026-03-30T02:14:59+02:00", false),
        ("2026-03-30T02:15:00+02:00", true),
    ] {
        assert_eq!(inside.is_open(at(time)), open, "{time}");
    }
    let all = berlin("hours = [\"02:00-03:00\"]");
    assert!(all.is_open(jump) && !all.is_open(at("2026-03-29T04:00:00+02:00")));
    let mondays = berlin("days = [\"mon\"]\nhours = [\"02:15-02:45\"]");
    assert!(!mondays.is_open(jump), "the clock jumps on a Sunday");
    let before = berlin("hours = [\"01:30-02:30\"]");
    assert!(
        !before.is_open(jump) && before.is_open(at("2026-03-29T01:59:59+01:00")),
        "it had opened before"
    );
    // On 2026-09-06 at 00:00 the clocks of Santiago go to 01:00.
    let midnight =
        window("timezone = \"America/Santiago\"\ndays = [\"sun\"]\nhours = [\"00:00-00:30\"]");
    assert_eq!(
        midnight.next_opening(at("2026-09-05T22:00:00-04:00")),
        at("2026-09-06T01:00:00-03:00")
    );
    assert!(!midnight.is_open(at("2026-09-06T01:30:00-03:00")));
}

#[test]
fn an_hour_that_comes_twice_opens_the_window_twice() {
    // On 2026-10-25 at 03:00 the clocks of Berlin go back to 02:00.
    let inside = berlin("hours = [\"02:15-02:45\"]");
    let (first, second) = (
        at("2026-10-25T02:15:00+02:00"),
        at("2026-10-25T02:15:00+01:00"),
    );
    assert_eq!(inside.next_opening(at("2026-10-25T01:00:00+02:00")), first);
    assert_eq!(inside.next_opening(at("2026-10-25T02:50:00+02:00")), second);
    let before = berlin("hours = [\"01:30-02:15\"]");
    assert_eq!(
        before.next_opening(at("2026-10-25T02:40:00+02:00")),
        at("2026-10-25T02:00:00+01:00"),
        "the clock is put back into it"
    );
}

#[test]
fn a_window_that_never_opens_is_never() {
    let never = window("timezone = \"UTC\"\nhours = [\"06:00-06:00\"]");
    assert_eq!(
        never.next_opening(at("2026-03-10T06:00:00Z")),
        Timestamp::NEVER
    );
}

#[test]
fn a_day_that_a_zone_skipped_is_waited_for_until_it_comes_again() {
    // Samoa had no 2011-12-30, a Friday.
    let fridays =
        window("timezone = \"Pacific/Apia\"\ndays = [\"fri\"]\nhours = [\"08:00-09:00\"]");
    assert_eq!(
        fridays.next_opening(at("2011-12-29T12:00:00-10:00")),
        at("2012-01-06T08:00:00+14:00")
    );
}
