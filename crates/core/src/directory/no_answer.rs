//! Why the directory says nothing, as codes and in words. It stands apart because look-ups and their records both say
//! it.

codes! {
    /// Why the directory says nothing.
    pub enum NoAnswer {
        /// The token has no role that reads machines.
        NoRole = "no_role",
        /// It forbids reading machines.
        Forbidden = "forbidden",
        /// No answer came in time.
        Late = "late",
        /// Defender could not be reached.
        Unreachable = "unreachable",
        /// Other look-ups came first, for as long as it could wait.
        Queued = "queued",
        /// The tenant's name was given to another Entra tenant.
        Moved = "moved",
        /// It refused the question.
        Refused = "refused",
    }
}

impl NoAnswer {
    pub(super) const fn words(self) -> &'static str {
        match self {
            NoAnswer::NoRole => "the app has no role that reads machines",
            NoAnswer::Forbidden => "Defender forbids reading machines",
            NoAnswer::Late => "Defender's directory did not answer in time, and is asked again",
            NoAnswer::Unreachable => {
                "Defender could not be reached, so its directory could not be asked; it is tried again"
            }
            NoAnswer::Queued => {
                "Defender's directory could not be asked in time, because other look-ups came first"
            }
            NoAnswer::Moved => {
                "the tenant's name was given to another Entra tenant, whose directory is not asked"
            }
            NoAnswer::Refused => "Defender's directory refused the question",
        }
    }
}
