//! Judging a request by the policies that match it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::compiled::{Action, Binding, Policy, Reason, Validation, Variable};
use super::params;
use crate::admission::webhook::{
    Attributes, FailurePolicy, Matched, Remarks, Verdict, in_version_of, is_exempt, request_value, variables,
};
use crate::cel::{Budget, Program, Value, Variables};
use crate::http::Failure;

/// Work that one policy may do for one request.
const POLICY_BUDGET: u64 = 10_000_000;
/// Work that one expression may do.
const EXPRESSION_BUDGET: u64 = 1_000_000;
/// Bytes of the longest message that an expression may make.
const MAX_MESSAGE: usize = 5 * 1024;
/// Bytes of an audit annotation that are kept.
const MAX_ANNOTATION: usize = 10 * 1024;
const NAMESPACES: &str = "/namespaces";
/// The audit annotation that lists failures.
const FAILURES: &str = "validation.policy.admission.k8s.io/validation_failure";

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    message: String,
    reason: Reason,
    index: usize,
}

/// What one policy with one binding says about a request.
struct Judgement<'a> {
    policy: &'a Policy,
    binding: &'a Binding,
}

/// Lets the policies refuse a request.
///
/// # Errors
/// The first refusal, by the names of policies and bindings.
pub(crate) async fn validate(
    attributes: &Attributes<'_>,
    object: Option<&Json>,
    old: Option<&Json>,
    remarks: &mut Remarks,
) -> Result<(), Failure> {
    let policies = attributes.server.policies.list(&attributes.server.store);
    if policies.is_empty() || is_exempt(attributes.resource) || is_question(attributes) {
        return Ok(());
    }
    let mut refusal = None;
    for (policy, bindings) in policies.iter() {
        let resource = match policy.matcher.check(attributes, object, old) {
            Matched::No => continue,
            Matched::Yes(resource) => resource,
            Matched::NoNamespace(name) => return Err(Failure::not_found("", "namespaces", &name)),
        };
        let (kind, shown, shown_old) = in_version_of(&resource, attributes, object, old).await?;
        let request = request_value(attributes, &resource, &kind);
        let mut known = variables(attributes, &request, shown.as_ref(), shown_old.as_ref());
        known.insert("namespaceObject", namespace_value(attributes));
        for binding in bindings {
            let applies = match binding
                .matcher
                .as_ref()
                .map(|matcher| matcher.check_optional(attributes, object, old))
            {
                None | Some(Matched::Yes(_)) => true,
                Some(Matched::No) => false,
                Some(Matched::NoNamespace(name)) => return Err(Failure::not_found("", "namespaces", &name)),
            };
            if !applies {
                continue;
            }
            let judgement = Judgement { policy, binding };
            let broken = judgement.all(attributes, &known, remarks);
            judgement.act(&broken, attributes, remarks, &mut refusal);
        }
    }
    refusal.map_or(Ok(()), Err)
}

/// Questions about rights and identities are nobody's to refuse.
fn is_question(attributes: &Attributes<'_>) -> bool {
    let resource = attributes.resource;
    resource.group == "authorization.k8s.io"
        || (resource.group == "authentication.k8s.io"
            && matches!(resource.plural.as_str(), "tokenreviews" | "selfsubjectreviews"))
}

impl Judgement<'_> {
    /// Returns the broken rules, with all parameters of the binding.
    fn all(&self, attributes: &Attributes<'_>, known: &Variables, remarks: &mut Remarks) -> Vec<Broken> {
        let params = match &self.policy.param_kind {
            None => Ok(vec![None]),
            Some(kind) => match params::resource(kind, attributes) {
                Err(why) => return self.unusable(&format!("failed to configure policy: {why}")),
                Ok(resource) => params::find(&resource, self.binding.params.as_ref(), attributes),
            },
        };
        let params = match params {
            Ok(params) => params,
            Err(why) => return self.unusable(&format!("failed to configure binding: {why}")),
        };
        let mut broken = Vec::new();
        for param in params {
            let mut known = known.clone();
            if self.policy.param_kind.is_some() {
                let value = param.as_ref().map_or(Value::Null, crate::cel::from_json);
                known.insert("params", value);
            }
            broken.extend(self.once(known, remarks));
        }
        broken
    }

    /// What follows from a policy that cannot be evaluated.
    fn unusable(&self, why: &str) -> Vec<Broken> {
        if self.policy.on_failure == FailurePolicy::Ignore {
            return Vec::new();
        }
        vec![Broken { message: why.to_owned(), reason: Reason::Invalid, index: 0 }]
    }

    fn once(&self, mut known: Variables, remarks: &mut Remarks) -> Vec<Broken> {
        match self.policy.conditions.check(&known) {
            Verdict::Met => {}
            Verdict::NotMet => return Vec::new(),
            Verdict::Failed(why) => return self.unusable(&why),
        }
        let mut budget = Budget::new(POLICY_BUDGET);
        if !self.policy.variables.is_empty() {
            known.insert("variables", Value::map(BTreeMap::new()));
            compose(&self.policy.variables, &mut known, &mut budget);
        }
        let mut broken = Vec::new();
        for (index, rule) in self.policy.validations.iter().enumerate() {
            let message = match run(&rule.program, &known, &mut budget) {
                Ok(Value::Bool(true)) => continue,
                Ok(_) => rule.message(&known, &mut budget),
                Err(_) if self.policy.on_failure == FailurePolicy::Ignore => continue,
                Err(why) => format!("expression '{}' resulted in error: {why}", rule.source),
            };
            broken.push(Broken { message, reason: rule.reason, index });
        }
        self.annotate(&known, &mut budget, &mut broken, remarks);
        broken
    }

    /// Evaluates the audit annotations of the policy.
    fn annotate(
        &self,
        known: &Variables,
        budget: &mut Budget,
        broken: &mut Vec<Broken>,
        remarks: &mut Remarks,
    ) {
        for annotation in &self.policy.annotations {
            let key = format!("{}/{}", self.policy.name, annotation.key);
            match run(&annotation.program, known, budget) {
                Ok(Value::String(text)) if !text.trim().is_empty() => {
                    let mut end = text.trim().len().min(MAX_ANNOTATION);
                    while !text.trim().is_char_boundary(end) {
                        end -= 1;
                    }
                    let text = &text.trim()[..end];
                    remarks
                        .annotations
                        .entry(key)
                        .and_modify(|known| *known = format!("{known}, {text}"))
                        .or_insert_with(|| text.to_owned());
                }
                Ok(_) => {}
                Err(why) if self.policy.on_failure == FailurePolicy::Fail => {
                    let message = format!("expression '{}' resulted in error: {why}", annotation.source);
                    broken.push(Broken { message, reason: Reason::Invalid, index: 0 });
                }
                Err(_) => {}
            }
        }
    }

    /// Does what the binding says about broken rules.
    fn act(
        &self,
        broken: &[Broken],
        attributes: &Attributes<'_>,
        remarks: &mut Remarks,
        refusal: &mut Option<Failure>,
    ) {
        let binding = self.binding;
        let (policy, name) = (&self.policy.name, &binding.name);
        for rule in broken {
            for action in &binding.actions {
                match action {
                    Action::Deny if refusal.is_none() => {
                        *refusal = Some(self.refusal(rule, attributes));
                    }
                    Action::Deny => {}
                    Action::Warn => remarks.warnings.push(format!(
                        "Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{name}': {}",
                        rule.message
                    )),
                    Action::Audit => note_failure(remarks, rule, self.policy, binding),
                }
            }
        }
    }

    fn refusal(&self, rule: &Broken, attributes: &Attributes<'_>) -> Failure {
        let is_about_policy = rule.message.starts_with("failed to configure policy: ");
        let binding =
            if is_about_policy { String::new() } else { format!(" with binding '{}'", self.binding.name) };
        let why = format!(
            "ValidatingAdmissionPolicy '{}'{binding} denied request: {}",
            self.policy.name, rule.message
        );
        let resource = attributes.resource;
        let name = if attributes.name.is_empty() { "Unknown" } else { attributes.name };
        let mut failure = Failure::forbidden(&resource.group, &resource.plural, name, &why);
        if let Some(details) = &mut failure.details {
            details["causes"] = json!([{"message": why}]);
        }
        failure.code = rule.reason.code();
        failure.reason = rule.reason.word().into();
        failure
    }
}

/// Adds a broken rule to the audit annotation that lists them.
fn note_failure(remarks: &mut Remarks, rule: &Broken, policy: &Policy, binding: &Binding) {
    let actions: Vec<&str> = binding
        .actions
        .iter()
        .map(|action| match action {
            Action::Deny => "Deny",
            Action::Warn => "Warn",
            Action::Audit => "Audit",
        })
        .collect();
    let entry = json!({"message": rule.message, "policy": policy.name, "binding": binding.name,
        "expressionIndex": rule.index, "validationActions": actions});
    let known = remarks.annotations.get(FAILURES).and_then(|text| serde_json::from_str(text).ok());
    let mut entries = match known {
        Some(Json::Array(entries)) => entries,
        _ => Vec::new(),
    };
    entries.push(entry);
    remarks.annotations.insert(FAILURES.to_owned(), Json::Array(entries).to_string());
}

impl Validation {
    /// Returns what is said when the rule is broken.
    fn message(&self, known: &Variables, budget: &mut Budget) -> String {
        let made = self.message_program.as_ref().and_then(|program| evaluate(program, known, budget).ok());
        let made = match made {
            Some(Value::String(text)) => text.trim().to_owned(),
            _ => String::new(),
        };
        let is_usable = !made.is_empty() && made.len() <= MAX_MESSAGE && !made.contains('\n');
        match &self.message {
            _ if is_usable => made,
            Some(message) => message.clone(),
            None => format!("failed expression: {}", self.source),
        }
    }
}

/// Evaluates the variables of a policy in order. Whoever reads one that fails, fails too.
fn compose(variables: &[Variable], known: &mut Variables, budget: &mut Budget) {
    let mut values = BTreeMap::new();
    for variable in variables {
        let value = run(&variable.program, known, budget).unwrap_or_else(|why| {
            Value::Failed(format!("composited variable {:?} fails to evaluate: {why}", variable.name).into())
        });
        values.insert(Value::string(variable.name.as_str()).as_key().expect("texts are keys"), value);
        known.insert("variables", Value::map(values.clone()));
    }
}

fn run(program: &Result<Program, String>, known: &Variables, budget: &mut Budget) -> Result<Value, String> {
    match program {
        Ok(program) => evaluate(program, known, budget),
        Err(error) => Err(error.clone()),
    }
}

fn evaluate(program: &Program, known: &Variables, budget: &mut Budget) -> Result<Value, String> {
    let allowed = budget.remaining().min(EXPRESSION_BUDGET);
    let mut own = Budget::new(allowed);
    let result = program.eval(known, &mut own).map_err(|error| error.to_string());
    let used = allowed.saturating_sub(own.remaining());
    // What is used fits: it was bounded by what remained.
    budget.charge(used).map_err(|error| error.to_string())?;
    result
}

/// Returns the namespace of a request as expressions see it.
fn namespace_value(attributes: &Attributes<'_>) -> Value {
    if attributes.namespace.is_empty() || attributes.is_namespace() {
        return Value::Null;
    }
    let Some(stored) = attributes.server.store.get(NAMESPACES, attributes.namespace) else {
        return Value::Null;
    };
    let object = stored.value();
    let mut metadata = json!({});
    let fields = [
        ("name", "name"),
        ("generateName", "generateName"),
        ("labels", "labels"),
        ("annotations", "annotations"),
        ("uid", "UID"),
        ("generation", "generation"),
        ("resourceVersion", "resourceVersion"),
        ("finalizers", "finalizers"),
        ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
    ];
    for (field, shown) in fields {
        if let Some(value) = object["metadata"].get(field) {
            metadata[shown] = value.clone();
        }
    }
    let mut value = json!({"metadata": metadata});
    for part in ["spec", "status"] {
        if let Some(found) = object.get(part) {
            value[part] = found.clone();
        }
    }
    let mut namespace = crate::cel::from_json(&value);
    for field in ["creationTimestamp", "deletionTimestamp"] {
        let time = object["metadata"][field].as_str().and_then(|text| text.parse().ok());
        if let Some(time) = time {
            namespace = with_time(&namespace, field, time);
        }
    }
    namespace
}

/// Sets a time of `metadata`.
fn with_time(object: &Value, field: &str, time: jiff::Timestamp) -> Value {
    let key = |text: &str| Value::string(text).as_key().expect("texts are keys");
    let Value::Map(entries) = object else { return object.clone() };
    let mut entries = BTreeMap::clone(entries);
    if let Some(Value::Map(metadata)) = entries.get(&key("metadata")) {
        let mut metadata = BTreeMap::clone(metadata);
        metadata.insert(key(field), Value::Timestamp(time));
        entries.insert(key("metadata"), Value::map(metadata));
    }
    Value::map(entries)
}
