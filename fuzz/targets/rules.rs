//! Texts of rules.toml: every one is a policy, or findings that can be shown; a policy runs its own tests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanhook_core::rules::{Rules, render, run};

fuzz_target!(|text: &str| {
    let mut file = |_: &str| Err("no such file".to_owned());
    match Rules::parse(text, &mut file) {
        Ok(loaded) => {
            render(&loaded.lints, "rules.toml", text, false);
            for test in loaded.rules.tests() {
                run(test, &loaded.rules, &mut |_| Err("no such file".to_owned()));
            }
        }
        Err(findings) => {
            assert!(!findings.is_empty());
            assert!(!render(&findings, "rules.toml", text, true).is_empty());
        }
    }
});
