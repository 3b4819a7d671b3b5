//! Rows that fill a table, as `COPY` takes them: some at a time, so that neither side holds a whole table in memory and no
//! answer takes longer than is waited for one.

use core::pin::pin;

use bytes::Bytes;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::super::fault::DbResult;
use super::super::value::Kind;
use super::Postgres;
use super::lost::Lost;
use super::wire::SentValue;

impl Postgres {
    /// Adds these rows to a table: their values are those of these columns.
    pub(crate) fn fill(
        &self,
        table: &str,
        columns: &[(String, Kind)],
        rows: &[Vec<SentValue>],
    ) -> DbResult<()> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let types: Vec<Type> = columns.iter().map(|(_, kind)| kind.type_of()).collect();
        let sql = format!(
            "COPY {table} ({}) FROM STDIN (FORMAT binary)",
            names.join(", ")
        );
        let client = &self.session.client;
        let filled = self.session.wait(async {
            let sink = client.copy_in::<_, Bytes>(&sql).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await
        })?;
        if usize::try_from(filled).ok() == Some(rows.len()) {
            return Ok(());
        }
        Err(Lost::Broken(format!(
            "{filled} of {} rows were taken into the table `{table}`",
            rows.len()
        ))
        .into())
    }
}
