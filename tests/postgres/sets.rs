//! Deliveries that share a transaction are asked about and written as sets in PostgreSQL, and one by one in SQLite. Whoever
//! sends them and whoever reads them later cannot tell.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use scanhook::api::Receipt;
use scanhook::journal::{Ids, Job, JournalError, Store};

use crate::desk::{Counter, NOW};
use crate::far::FarDatabase;
use crate::server::Server;
use crate::simulation::Dice;

/// Rules with and without a limit, and one that asks a person first.
const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "ask"
scan = "full"
mode = "approve"
when = { severity = "informational" }
[[rule]]
name = "few"
scan = "quick"
limit = { scans = 2, per = "1h" }
when = { severity = "low" }
[[rule]]
name = "full"
scan = "full"
limit = { scans = 20, per = "1h" }
when = { severity = "high" }
[[rule]]
name = "quick"
scan = "quick"
limit = false
when = { source.exists = true }
"#;

/// An alert about one or two of a few machines, some known by their id, some by a name, some by both; now and then one
/// that names nothing.
fn random_body(dice: &mut Dice) -> String {
    let severity = dice.pick(&["informational", "low", "medium", "high"]);
    let device = |dice: &mut Dice| {
        let n = dice.roll(12);
        match dice.roll(4) {
            0 => format!(r#"{{"name":"pc-{n}.corp.example"}}"#),
            1 => format!(r#"{{"mde_id":"{n:040x}"}}"#),
            _ => format!(
                r#"{{"mde_id":"{n:040x}","name":"pc-{}.corp.example"}}"#,
                n % 9
            ),
        }
    };
    let mut devices = vec![device(dice)];
    if dice.roll(5) == 0 {
        devices.push(device(dice));
    }
    if dice.roll(20) == 0 {
        devices.clear();
    }
    let (alert, pad) = (dice.roll(30), dice.roll(2));
    format!(
        r#"{{"alert_id":"a-{alert}","title":"t","severity":"{severity}","devices":[{}],"pad":{pad}}}"#,
        devices.join(",")
    )
}

/// What the senders of these bodies are told, where the jobs of some fail.
fn told(store: &mut Store, counter: &Counter, bodies: &[(String, bool)]) -> Vec<String> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let jobs = bodies.iter().map(|(body, fails)| {
        let acceptance = Arc::new(counter.body(body.clone(), NOW));
        let (taken, fails, answers) = (acceptance.clone(), *fails, answers.clone());
        let work = move |tx: &mut scanhook::journal::Tx<'_>| {
            let receipt = tx.accept(&taken, NOW)?;
            if fails {
                return Err(JournalError::Conflict("it was to fail"));
            }
            Ok(receipt)
        };
        let answer = move |receipt: Result<Receipt, JournalError>| {
            let told = receipt.map(|receipt| serde_json::to_string(&receipt).unwrap());
            answers
                .lock()
                .unwrap()
                .push(told.unwrap_or_else(|error| error.to_string()));
        };
        Job::new(body.len(), work, answer).taking_in(&acceptance, NOW)
    });
    let jobs: Vec<Job> = jobs.collect();
    store.commit(jobs);
    let told = answers.lock().unwrap().clone();
    assert_eq!(told.len(), bodies.len());
    told
}

#[test]
fn deliveries_that_share_a_transaction_come_to_what_they_come_to_with_sqlite() {
    let server = Server::initialised();
    for seed in 0..12 {
        server.empty();
        let mut dice = Dice::new(seed);
        let mut here = Store::memory(Ids::seeded(seed)).unwrap();
        let mut there = server.store(seed);
        let counters = [&mut here, &mut there].map(|store| Counter::by_rules(store, RULES));
        for _ in 0..8 {
            let many = 1 + dice.roll(40);
            let bodies: Vec<(String, bool)> = (0..many)
                .map(|_| (random_body(&mut dice), dice.roll(15) == 0))
                .collect();
            let first = told(&mut here, &counters[0], &bodies);
            let second = told(&mut there, &counters[1], &bodies);
            for ((first, second), body) in first.iter().zip(&second).zip(&bodies) {
                assert_eq!(first, second, "seed {seed}: {}", body.0);
            }
        }
        let (here, there) = (here.dump().unwrap(), there.dump().unwrap());
        for (here, there) in here.lines().zip(there.lines()) {
            assert_eq!(here, there, "seed {seed}");
        }
        assert_eq!(here.len(), there.len(), "seed {seed}");
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[test]
fn many_deliveries_take_fewer_statements_than_there_are_of_them() {
    let server = Server::initialised();
    let mut store = server.store(1);
    let mut counter = Counter::by_rules(&mut store, RULES);
    let mut taken = |many: usize| {
        let bodies: Vec<(String, bool)> = (0..many).map(|_| (counter.next_body(), false)).collect();
        let before = server.statements().len();
        told(&mut store, &counter, &bodies);
        server.statements().split_off(before)
    };
    taken(64);
    server.set("log_statement", "'all'");
    let (one, many) = (taken(1), taken(64));
    assert!(one.len() < 32, "{one:#?}");
    assert!(many.len() < 50, "{many:#?}");
}

#[test]
fn many_deliveries_take_few_trips_and_those_about_one_machine_a_few_each() {
    let server = Server::initialised();
    let far = FarDatabase::off(server.at(), Duration::ZERO);
    let mut store = Store::connect(&far.at(), Ids::seeded(1)).unwrap();
    let counter = Counter::new(&mut store);
    let about = |alert: u64, machine: u64| {
        let body = format!(
            r#"{{"alert_id":"a-{alert}","title":"t","severity":"high","devices":[{{"mde_id":"{machine:040x}"}}]}}"#
        );
        (body, false)
    };
    let mut next = 1_000;
    let mut alerts = |machine: fn(u64) -> u64| -> Vec<(String, bool)> {
        next += 64;
        (next..next + 64).map(|n| about(n, machine(n))).collect()
    };
    let apart: fn(u64) -> u64 = |n| n;
    let together: fn(u64) -> u64 = |_| 7;
    let mut trips = |bodies: &[(String, bool)]| {
        let before = far.trips();
        let told = told(&mut store, &counter, bodies);
        assert!(
            told.iter().all(|told| told.contains(r#""state":"scan""#)),
            "{told:#?}"
        );
        far.trips() - before
    };
    // All statements are prepared.
    for bodies in [alerts(apart), alerts(together)] {
        trips(&bodies);
    }
    let (apart, together) = (trips(&alerts(apart)), trips(&alerts(together)));
    assert!(apart < 12, "{apart} trips for 64 machines");
    assert!(
        together < 64 * 3 + 12,
        "{together} trips for 64 alerts about one"
    );
}

/// The statistics of a storm are those from before it.
#[test]
fn an_alert_is_found_its_scans_by_its_machine_however_many_wait() {
    let server = Server::initialised();
    for (name, value) in [
        ("autovacuum", "'off'"),
        ("session_preload_libraries", "'auto_explain'"),
        ("auto_explain.log_analyze", "'on'"),
        ("auto_explain.log_nested_statements", "'on'"),
    ] {
        server.set(name, value);
    }
    let mut store = server.store(1);
    let mut counter = Counter::new(&mut store);
    let mut bodies = |many: usize| -> Vec<(String, bool)> {
        (0..many).map(|_| (counter.next_body(), false)).collect()
    };
    let storm: Vec<_> = (0..20).map(|_| bodies(64)).collect();
    let (one, many) = (bodies(1), bodies(64));
    for bodies in storm {
        told(&mut store, &counter, &bodies);
    }
    // Plans are made anew: those that were made for empty tables may be good by chance.
    drop(store);
    let mut store = server.store(2);
    server.set("auto_explain.log_min_duration", "0");
    let before = server.log().len();
    told(&mut store, &counter, &one);
    told(&mut store, &counter, &many);
    let log = server.log().split_off(before);
    let plans: Vec<&str> = log.split("Query Text:").skip(1).collect();
    assert!(plans.len() > 40, "{} plans", plans.len());
    for plan in plans {
        let in_vain = plan
            .lines()
            .filter_map(|line| line.split_once("Rows Removed by "));
        let in_vain = in_vain.map(|(_, rest)| rest.split(' ').next_back().unwrap());
        let rows: u32 = in_vain.map(|rows| rows.parse::<u32>().unwrap()).sum();
        assert!(rows < 100, "{plan}");
    }
}

/// What these senders are told, and how many of those who are told that it is stored find it so.
fn kept(server: &Server, told: &[String]) -> (usize, usize) {
    let stored = server.look("SELECT uuid FROM delivery");
    let receipts = told
        .iter()
        .filter_map(|told| serde_json::from_str::<serde_json::Value>(told).ok());
    let deliveries: Vec<String> = receipts
        .map(|receipt| receipt["delivery"].as_str().unwrap().to_owned())
        .collect();
    let there = deliveries.iter().filter(|one| stored.contains(*one));
    (deliveries.len(), there.count())
}

#[test]
fn a_row_that_the_database_refuses_costs_nobody_a_delivery_that_was_acknowledged() {
    let server = Server::initialised();
    let mut store = server.store(1);
    let counter = Counter::by_rules(&mut store, RULES);
    let body = |alert: u64, machine: u64, name: &str| {
        let body = format!(
            r#"{{"alert_id":"a-{alert}","title":"t","severity":"medium","devices":[{{"mde_id":"{machine:040x}","name":"{name}"}}]}}"#
        );
        (body, false)
    };
    // The second joins the scan of the first, and calls the machine something else.
    let together = |n, name| {
        let other = format!("other-{n}");
        [
            body(n, n, &other),
            body(n + 1, n, name),
            body(n + 2, n + 1, "third"),
            body(n + 3, n + 2, "fourth"),
        ]
    };
    // All statements are prepared.
    for n in [10, 20] {
        let told = told(&mut store, &counter, &together(n, "same"));
        assert_eq!(kept(&server, &told), (4, 4), "{told:#?}");
    }
    // A name is the last that an alert writes: it is sent when somebody else asks something.
    server.look(
        "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.name = 'refused' THEN RAISE 'no such name'; END IF;
           RETURN NEW;
         END $$;
         CREATE TRIGGER refuses BEFORE INSERT ON machine FOR EACH ROW EXECUTE FUNCTION refuses()",
    );
    let together = together(30, "refused");
    let (told_so, there) = kept(&server, &told(&mut store, &counter, &together));
    assert_eq!(told_so, there, "acknowledged, and not there");
    // Whoever tries again fails alone.
    let again = told(&mut store, &counter, &together);
    assert_eq!(kept(&server, &again), (3, 3), "{again:#?}");
}
