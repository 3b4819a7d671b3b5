//! Leases: of several processes on one journal one at a time calls as an app. Every end is written and compared by the
//! clock of the database, which comes with the transaction; nobody compares it with a clock of their own.
//!
//! Whoever takes a lease raises its fence, also from itself: after a COMMIT of which nobody knows whether it took effect,
//! what the earlier one had under way is an earlier fence's. The first statement of whatever a worker writes is
//! [`Tx::hold_lease`]: if it changes no row, another has the lease by now, and the whole job is rolled back.
//!
//! A lease is held by the connection by which it was taken. Behind another there may be a standby that lacks the last commits,
//! and what a worker remembers of them never was: it has to be loaded anew.

use core::time::Duration;

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::{MESSAGES_APP, ReplicaId, TenantId};
use super::rows::millis;
use super::tx::Tx;
use scanhook_core::lease::{LeaseTerms, Trust};
use scanhook_core::time::Timestamp;

/// Milliseconds by which a replica's clock may differ from the database's when it takes a lease.
const OFF: u64 = 5_000;

/// Who asks for leases, and for how long each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub replica: ReplicaId,
    pub terms: LeaseTerms,
}

impl Seat {
    /// How long to leave a lease alone that another has. Those who wait spread by where their clocks happen to stand.
    #[must_use]
    pub fn look_after(self, now: Duration) -> Duration {
        self.terms.look_after(now.subsec_micros().to_le_bytes()[0])
    }
}

/// A lease that was had when its transaction was committed.
#[derive(Clone, Debug)]
pub struct Lease {
    app: String,
    seat: Seat,
    fence: i64,
    trust: Trust,
    session: u64,
}

impl Lease {
    /// Until when bytes may leave under it.
    #[must_use]
    pub const fn trust(&self) -> Trust {
        self.trust
    }

    /// How long it lasts, and what follows from that.
    #[must_use]
    pub const fn terms(&self) -> LeaseTerms {
        self.seat.terms
    }

    /// The how-manieth it is of its app: whatever an earlier one has under way is over.
    #[must_use]
    pub const fn fence(&self) -> i64 {
        self.fence
    }
}

impl Tx<'_> {
    /// Takes the lease of an app, to call for one of the tenants that are names of it. `None`: somebody has it.
    ///
    /// # Errors
    /// [`JournalError::ClockOff`] where this computer's clock is too far from the database's; when the journal cannot be written.
    pub fn take_lease(
        &mut self,
        app: &str,
        tenant: TenantId,
        seat: Seat,
    ) -> Result<Option<Lease>, JournalError> {
        let ahead = self.time.ahead();
        if ahead.unsigned_abs() > OFF {
            return Err(JournalError::ClockOff(ahead));
        }
        self.db
            .prepare_cached("INSERT INTO lane(app) VALUES (?) ON CONFLICT (app) DO NOTHING")?
            .execute([app])?;
        let database = self.time.database;
        let fence: Option<i64> = self
            .db
            .prepare_cached(
                "UPDATE lane SET fence = fence + 1, holder = ?2, tenant = ?3, until = ?4
                 WHERE app = ?1 AND (until < ?5 OR (holder = ?2 AND tenant = ?3)) RETURNING fence",
            )?
            .query_row(
                params![
                    app,
                    seat.replica.0,
                    tenant.0,
                    self.lease_ends(seat),
                    database.millis()
                ],
                |row| row.get(0),
            )
            .optional()?;
        Ok(fence.map(|fence| Lease {
            app: app.to_owned(),
            seat,
            fence,
            trust: Trust::after(self.time.begun, seat.terms),
            session: self.session,
        }))
    }

    /// Holds a lease for as long again, and notes what its worker says of itself.
    ///
    /// # Errors
    /// [`JournalError::Deposed`] where another replica, or another life of the worker, has it by now, or it was taken by another
    /// connection.
    pub fn hold_lease(&mut self, lease: &mut Lease, board: &str) -> Result<(), JournalError> {
        if lease.session != self.session {
            return Err(JournalError::Deposed);
        }
        let ends = self.lease_ends(lease.seat);
        let held = self.changed(
            "UPDATE lane SET until = ?4, board = ?5 WHERE app = ?1 AND fence = ?2 AND holder = ?3",
            params![lease.app, lease.fence, lease.seat.replica.0, ends, board],
        )?;
        if held != 1 {
            return Err(JournalError::Deposed);
        }
        lease.trust = Trust::after(self.time.begun, lease.seat.terms);
        Ok(())
    }

    /// Lets a lease go, so that whoever waits for it need not wait for its end. One that is another's by now stays so.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn free_lease(&mut self, lease: &Lease) -> Result<(), JournalError> {
        let freed: Option<i64> = self
            .db
            .prepare_cached(
                "UPDATE lane SET until = 0 WHERE app = ?1 AND fence = ?2 AND holder = ?3 RETURNING tenant",
            )?
            .query_row(params![lease.app, lease.fence, lease.seat.replica.0], |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(tenant) = freed {
            self.touch(TenantId(tenant));
        }
        Ok(())
    }

    /// Until when bytes may leave under a lease that another part of this process holds; `None` where it is over, or
    /// somebody else's by now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn trust_in(&self, lease: &Lease) -> Result<Option<Trust>, JournalError> {
        let sql = "SELECT until FROM lane WHERE app = ?1 AND fence = ?2 AND holder = ?3";
        let values = params![lease.app, lease.fence, lease.seat.replica.0];
        let until: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let rest = until.map(|until| Timestamp::from_millis(until).since(self.time.database));
        Ok(rest
            .filter(|rest| !rest.is_zero())
            .map(|rest| Trust::of_rest(self.time.begun, rest, lease.seat.terms)))
    }

    /// By how many milliseconds this computer's clock is ahead of the database's.
    #[must_use]
    pub fn ahead_of_database(&self) -> i64 {
        self.time.ahead()
    }

    fn lease_ends(&self, seat: Seat) -> i64 {
        let lasts = millis(seat.terms.lasts());
        self.time.database.millis().saturating_add(lasts)
    }

    /// Whether this process is the one that keeps house now: forgets, and tells what nobody has to hear twice. It is who
    /// sends messages; the only process of a journal, which has no seat, always is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn keeps_house(&self, seat: Option<Seat>) -> Result<bool, JournalError> {
        let Some(seat) = seat else {
            return Ok(true);
        };
        let sql = "SELECT 1 FROM lane WHERE app = ?1 AND holder = ?2 AND until > ?3";
        let values = params![MESSAGES_APP, seat.replica.0, self.time.database.millis()];
        Ok(self.db.prepare_cached(sql)?.exists(values)?)
    }
}
