//! The policy against an interpreter of its own language, written separately from the description in docs/rules.md,
//! without an index, a set of truth values or a shortcut: on random policies and events both must say the same.
//! `POLICIES=n` tries n of them, `POLICY=n` shows one.

mod interpreter;
mod policy;

use scanhook_core::rules::{Facts, Rules, render};
use scanhook_core::verdict::{Asks, Verdict};

use interpreter::{Expected, judge};
use policy::{Case, Dice};

/// Policies of `cargo test`; a few events are tried on each.
const POLICIES: u64 = 1_000;
const EVENTS: usize = 6;

/// What the real one says, in the words of the other.
fn said(verdict: &Verdict) -> Expected {
    match &verdict.asks {
        Asks::Nothing(reason) => Expected::Nothing {
            rule: verdict.rule.clone(),
            reason: *reason,
        },
        Asks::Resolve(_) => Expected::Resolve,
        Asks::Scan(wanted) => Expected::Scan {
            rule: verdict.rule.clone().unwrap(),
            kind: wanted.kind,
            mode: wanted.mode,
            start: wanted.start,
            windows: wanted.openings.clone(),
            held: None,
        },
        Asks::Hold(reason, wanted) => Expected::Scan {
            rule: verdict.rule.clone().unwrap(),
            kind: wanted.kind,
            mode: wanted.mode,
            start: wanted.start,
            windows: wanted.openings.clone(),
            held: Some(*reason),
        },
    }
}

/// Tries one policy; how many of its events could be compared.
fn compare(seed: u64, shown: bool) -> [usize; 4] {
    let mut dice = Dice::new(seed);
    let case = Case::random(&mut dice);
    let text = case.toml(&mut dice);
    let loaded = Rules::parse(&text, &mut |_| Err("no files here".to_owned()));
    let rules = loaded.unwrap_or_else(|errors| {
        panic!(
            "seed {seed}\n{text}\n{}",
            render(&errors, "r", &text, false)
        )
    });
    let mut tally = [0; 4];
    for _ in 0..EVENTS {
        let owned = case.event(&mut dice);
        let event = owned.event.as_event(owned.at);
        let Some(expected) = judge(&case, &event) else {
            continue;
        };
        let verdict = rules.rules.decide(&event);
        let said = said(&verdict);
        if shown {
            println!("{text}\n{event:#?}\nexpected {expected:?}\nsaid     {said:?}");
        }
        // Where nothing happens whatever the directory says, either may name the rule it likes.
        let same =
            expected == said || event.facts == Facts::NotAsked && expected.leads_to_the_same(&said);
        assert!(
            same,
            "seed {seed}\n{text}\n{event:#?}\nexpected {expected:?}\nsaid     {said:?}"
        );
        tally[match said {
            Expected::Nothing { .. } => 0,
            Expected::Resolve => 1,
            Expected::Scan { held: None, .. } => 2,
            Expected::Scan { held: Some(_), .. } => 3,
        }] += 1;
    }
    tally
}

#[test]
fn a_naive_interpreter_of_the_language_decides_the_same() {
    if let Some(seed) = std::env::var("POLICY")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        compare(seed, true);
        return;
    }
    let policies: u64 = std::env::var("POLICIES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(POLICIES);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let tallies = std::thread::scope(|scope| {
        let each = |first| {
            move || {
                let mut sum = [0; 4];
                for seed in (first..policies).step_by(usize::try_from(threads).unwrap()) {
                    let tally = compare(seed, false);
                    (0..4).for_each(|n| sum[n] += tally[n]);
                }
                sum
            }
        };
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(each(first))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    let sum = |n: usize| tallies.iter().map(|tally| tally[n]).sum::<usize>();
    let all = (0..4).map(sum).sum::<usize>();
    println!(
        "{all} decisions: {} nothing, {} to resolve, {} scans, {} held",
        sum(0),
        sum(1),
        sum(2),
        sum(3)
    );
    for n in 0..4 {
        assert!(
            sum(n) * 50 > all,
            "the random policies hardly ever end this way: {n}"
        );
    }
}
