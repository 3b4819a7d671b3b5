//! Why an alert about a device is, or was, decided as it is: worked out by the policy alone, with what the directory may
//! say side by side. The verb `explain` and the admin listener tell it.

mod case;
mod judgement;
mod said;

pub(crate) use case::AlertCase;
pub(crate) use judgement::{Judgement, World};
pub(crate) use said::detail;
