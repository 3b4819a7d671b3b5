//! stub
use core::time::Duration;
use crate::domain::mapping::{Caps, Mapping};
use crate::domain::signature::Authentication;
/// stub

pub struct Source { /// n
 pub name: String, /// n
 pub preset: String, /// n
 pub mapping: Mapping, /// n
 pub caps: Caps, /// n
 pub auth: Authentication, /// n
 pub tenant: String, /// n
 pub remember: Duration, /// n
 pub content_types: Vec<String>, /// n
 pub methods: Vec<String>, /// n
 pub max_body: usize }
