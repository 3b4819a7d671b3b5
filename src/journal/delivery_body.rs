//! The body of a delivery as it was sent, with whose it is.

use uuid::Uuid;

use super::db::OptionalExtension;
use super::error::JournalError;
use super::packed::Body;
use super::reader::Reader;
use super::rows::all;
use super::thing::{Thing, thing};

/// A stored body.
pub struct DeliveryBody {
    pub source: String,
    /// The tenants for which something in it was decided.
    pub tenants: Vec<String>,
    /// `None`: past its retention.
    pub body: Option<Vec<u8>>,
}

impl Reader<'_> {
    /// The body of the delivery with this id; `None`: there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn delivery_body(&self, id: Uuid) -> Result<Option<DeliveryBody>, JournalError> {
        let Some(Thing::Delivery(row)) = thing(self.db, id)? else {
            return Ok(None);
        };
        let sql = "SELECT DISTINCT t.name FROM decision d JOIN tenant t ON t.id = d.tenant WHERE d.delivery = ?";
        let tenants = all(self.db, sql, [row], |row| row.get(0))?;
        let sql = "SELECT source, body FROM delivery WHERE id = ?";
        let found = self.db.prepare_cached(sql)?.query_row([row], |row| {
            let body: Option<Body> = row.get(1)?;
            Ok(DeliveryBody {
                source: row.get(0)?,
                tenants,
                body: body.map(|body| body.0),
            })
        });
        Ok(found.optional()?)
    }
}
