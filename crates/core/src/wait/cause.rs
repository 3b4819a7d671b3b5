//! What is waited for, as codes that metrics and answers carry.

codes! {
    /// What is waited for, as a stable code.
    pub enum Cause {
        /// The configuration does not name the tenant any more.
        NotConfigured = "not_configured",
        /// The process or the tenant is in dry run.
        DryRun = "dry_run",
        /// A person has paused it.
        Paused = "paused",
        /// The tenant is stopped until somebody mends something.
        Stopped = "stopped",
        /// Entra ID cannot be reached, and there is no token.
        EntraUnreachable = "entra_unreachable",
        /// Defender cannot be reached.
        DefenderUnreachable = "defender_unreachable",
        /// Defender asked to wait.
        Throttled = "throttled",
        /// No call before a time, because the last ones failed.
        BackingOff = "backing_off",
        /// There is no token yet.
        NoToken = "no_token",
        /// The disk of the journal is full.
        DiskFull = "disk_full",
        /// The windows in which it may leave are closed.
        Window = "window",
        /// Another scan of the machine that is ours must end first.
        Behind = "behind",
        /// Somebody else's scan of the machine must end first.
        Foreign = "foreign",
        /// The machine is busy with a scan that is not told.
        Busy = "busy",
        /// Defender forbids a scan of this machine, and is tried again.
        Forbidden = "forbidden",
        /// Its call has left, and nobody knows yet whether Defender has carried it out.
        Unanswered = "unanswered",
        /// Its call is under way.
        Sending = "sending",
        /// What is left of the quota is kept for urgent scans.
        KeptForUrgent = "kept_for_urgent",
        /// The quota is spent.
        Quota = "quota",
        /// Its turn comes next.
        Turn = "turn",
        /// The directory has not been asked yet, or has not answered.
        LookUp = "look_up",
    }
}
