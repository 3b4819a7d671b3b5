//! One step of the diagnosis: what was looked at, how it is, and what to do where it is not well.

use serde::Serialize;

/// One step, as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct DoctorStep {
    pub(super) step: &'static str,
    /// `None`: it was passed over, because it could not be tried or there was nothing to look at.
    pub(super) ok: Option<bool>,
    pub(super) detail: String,
    pub(super) remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
}

impl DoctorStep {
    pub(super) fn good(step: &'static str, detail: impl Into<String>) -> DoctorStep {
        DoctorStep {
            step,
            ok: Some(true),
            detail: detail.into(),
            remedy: None,
            tenant: None,
        }
    }

    pub(super) fn bad(
        step: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DoctorStep {
        DoctorStep {
            ok: Some(false),
            remedy: Some(remedy.into()),
            ..DoctorStep::good(step, detail)
        }
    }

    pub(super) fn skipped(step: &'static str, why: impl Into<String>) -> DoctorStep {
        DoctorStep {
            ok: None,
            ..DoctorStep::good(step, why)
        }
    }

    /// The same with something to do that is no fault.
    pub(super) fn with_remedy(self, remedy: impl Into<String>) -> DoctorStep {
        DoctorStep {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub(super) fn of_tenant(self, tenant: Option<&str>) -> DoctorStep {
        DoctorStep {
            tenant: tenant.map(str::to_owned),
            ..self
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.ok == Some(false)
    }
}
