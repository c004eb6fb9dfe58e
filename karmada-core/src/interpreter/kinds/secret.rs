//! Secret.

use serde_json::Value;

use super::super::{InterpretError, fields};
use super::rules::Rules;
use crate::object::set_nested;

/// The type of secrets that members fill with the token of a service account.
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

pub(super) const RULES: Rules = Rules { retain: Some(retain), ..Rules::NONE };

/// Keeps the token that the member has made.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    if fields::text(&desired, &["type"])? != Some(SERVICE_ACCOUNT_TOKEN) {
        return Ok(desired);
    }
    if let Some(data) = fields::text_map(observed, &["data"])? {
        set_nested(&mut desired, &["data"], Value::Object(data.clone()))?;
    }
    Ok(desired)
}
