//! What waits for the answer to another comment, and what leaves beside it.

use scanhook_simulator::How;

use super::{ALERT, accepted, alert, alert_comments, outbox, setup, site};
use crate::harness::{machine, until};

#[tokio::test]
async fn a_comment_that_is_not_answered_holds_up_those_on_its_alert_alone() {
    let site = site("when = [\"held\"]", setup()).await;
    let slow = 8_000;
    site.far
        .fault("alert_comment", 1, 1, How::Delay { ms: slow });
    let calls = || site.far.calls_of("alert_comment");
    accepted(&site, "defender", &alert(ALERT, "Medium", &machine(1))).await;
    until("the first is called", async || {
        (calls().len() == 1).then_some(())
    })
    .await;
    accepted(&site, "defender", &alert(ALERT, "Medium", &machine(2))).await;
    until("the second waits", async || {
        (outbox(&site, "waiting").await.len() == 2).then_some(())
    })
    .await;
    accepted(&site, "defender", &alert("da2", "Medium", &machine(3))).await;
    until("the other alert is commented", async || {
        (alert_comments(&site, "da2").len() == 1).then_some(())
    })
    .await;
    let called = calls();
    let passed = called[1].at.duration_since(called[0].at).as_millis();
    assert!(passed < slow.into(), "it waited {passed} ms");
    assert_eq!(alert_comments(&site, ALERT).len(), 1, "one after the other");
    until("all are told", async || {
        (alert_comments(&site, ALERT).len() == 2).then_some(())
    })
    .await;
}
