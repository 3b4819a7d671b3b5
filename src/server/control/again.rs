//! A delivery with parked alerts, read again: with the map and the rules of today.

use super::orderer::{Act, Orderer};
use crate::api::ItemView;
use crate::clock;
use crate::intake::NotAccepted;
use crate::journal::Done;
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use scanhook_core::mapping::Headers;

impl Admin {
    /// A delivery with parked alerts, read with the map and the rules of today.
    pub(super) async fn read_again(
        &self,
        row: i64,
        orderer: &Orderer,
    ) -> Result<ItemView, HttpError> {
        let recalled = self.read(move |reader| reader.recall(row)).await?;
        let in_force = self.intake.in_force();
        let binding = in_force.bindings.get(&recalled.source);
        let delivery = match (binding, recalled.delivery) {
            (Some(_), Some(delivery)) => delivery,
            (_, None) => {
                return self
                    .read(move |reader| reader.not_read_again(row, Done::BodyGone))
                    .await;
            }
            (None, _) => {
                return self
                    .read(move |reader| reader.not_read_again(row, Done::NotConfigured))
                    .await;
            }
        };
        let acceptance = match self
            .intake
            .read(in_force.clone(), delivery, Headers::new())
            .await
        {
            Ok(acceptance) => acceptance,
            Err(NotAccepted::Overloaded) => return Err(HttpError::Overloaded),
            // It was strict JSON when it came, and is the same bytes.
            Err(_) => return Err(HttpError::Internal),
        };
        self.ordered(orderer, move |tx, by| {
            let item = tx.read_again(row, &acceptance, by, clock::now())?;
            let act = Act::on("retry", core::slice::from_ref(&item));
            Ok((item, act))
        })
        .await
    }
}
