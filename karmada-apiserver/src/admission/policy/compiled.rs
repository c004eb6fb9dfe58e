//! A policy with its expressions compiled, and its bindings.

use serde_json::Value;

use crate::admission::webhook::{Conditions, FailurePolicy, Matcher};
use crate::cel::{AdmissionScope, Env, Program, admission_environment};

/// A compiled policy.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) on_failure: FailurePolicy,
    pub(super) matcher: Matcher,
    pub(super) param_kind: Option<ParamKind>,
    pub(super) conditions: Conditions,
    pub(super) variables: Vec<Variable>,
    pub(super) validations: Vec<Validation>,
    pub(super) annotations: Vec<Annotation>,
}

/// The kind of the parameters of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParamKind {
    pub(super) api_version: String,
    pub(super) kind: String,
}

/// A variable; the problem of one that does not compile.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) program: Result<Program, String>,
}

#[derive(Debug)]
pub(super) struct Validation {
    pub(super) source: String,
    pub(super) program: Result<Program, String>,
    pub(super) message: Option<String>,
    pub(super) message_program: Option<Program>,
    pub(super) reason: Reason,
}

/// What the refusal of a validation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Unauthorized,
    Forbidden,
    Invalid,
    RequestEntityTooLarge,
}

#[derive(Debug)]
pub(super) struct Annotation {
    pub(super) key: String,
    pub(super) source: String,
    pub(super) program: Result<Program, String>,
}

/// Where a policy applies, with which parameters, and what it does.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) policy: String,
    /// Everything that the policy is about, when it is absent.
    pub(super) matcher: Option<Matcher>,
    pub(super) params: Option<ParamRef>,
    pub(super) actions: Vec<Action>,
}

/// Which objects are the parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParamRef {
    pub(super) name: Option<String>,
    pub(super) selector: Option<Value>,
    /// Empty: the namespace of the request.
    pub(super) namespace: String,
    pub(super) not_found: NotFound,
}

/// What a binding without parameters does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Deny,
    Warn,
    Audit,
}

impl Policy {
    pub(super) fn compile(object: &Value) -> Self {
        let spec = &object["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |key: &str| spec[key].as_array().cloned().unwrap_or_default();
        let param_kind = spec
            .get("paramKind")
            .filter(|kind| kind.is_object())
            .map(|kind| ParamKind { api_version: text(&kind["apiVersion"]), kind: text(&kind["kind"]) });
        let mut scope = AdmissionScope { params: param_kind.is_some(), variables: None };
        let conditions = Conditions::compile(&spec["matchConditions"], &admission_environment(&scope));
        let mut variables = Vec::new();
        for variable in list("variables") {
            scope.variables.get_or_insert_default();
            let program = compile(&variable["expression"], &admission_environment(&scope));
            let found = program.as_ref().map_or(crate::cel::Type::Dyn, |program| program.output().clone());
            let name = text(&variable["name"]);
            scope.variables.get_or_insert_default().push((name.clone(), found));
            variables.push(Variable { name, program });
        }
        let env = admission_environment(&scope);
        let annotation = |annotation: &Value| Annotation {
            key: text(&annotation["key"]),
            source: text(&annotation["valueExpression"]),
            program: compile(&annotation["valueExpression"], &env),
        };
        Self {
            name: text(&object["metadata"]["name"]),
            on_failure: FailurePolicy::parse(&spec["failurePolicy"]),
            matcher: Matcher::parse(&spec["matchConstraints"]),
            param_kind,
            conditions,
            variables,
            validations: list("validations").iter().map(|rule| Validation::compile(rule, &env)).collect(),
            annotations: list("auditAnnotations").iter().map(annotation).collect(),
        }
    }
}

impl Validation {
    fn compile(rule: &Value, env: &Env) -> Self {
        let text = |key: &str| rule[key].as_str().map(str::trim).filter(|text| !text.is_empty());
        Self {
            source: text("expression").unwrap_or_default().to_owned(),
            program: compile(&rule["expression"], env),
            message: text("message").map(str::to_owned),
            message_program: text("messageExpression").and_then(|source| Program::compile(source, env).ok()),
            reason: match text("reason") {
                Some("Unauthorized") => Reason::Unauthorized,
                Some("Forbidden") => Reason::Forbidden,
                Some("RequestEntityTooLarge") => Reason::RequestEntityTooLarge,
                _ => Reason::Invalid,
            },
        }
    }
}

impl Reason {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::Invalid => "Invalid",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
        }
    }

    pub(super) fn code(self) -> http::StatusCode {
        match self {
            Self::Unauthorized => http::StatusCode::UNAUTHORIZED,
            Self::Forbidden => http::StatusCode::FORBIDDEN,
            Self::Invalid => http::StatusCode::UNPROCESSABLE_ENTITY,
            Self::RequestEntityTooLarge => http::StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

impl Binding {
    pub(super) fn parse(object: &Value) -> Self {
        let spec = &object["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resources = spec.get("matchResources").filter(|resources| resources.is_object());
        let reference = spec.get("paramRef").filter(|reference| reference.is_object());
        let actions = spec["validationActions"].as_array().into_iter().flatten();
        Self {
            name: text(&object["metadata"]["name"]),
            policy: text(&spec["policyName"]),
            matcher: resources.map(Matcher::parse),
            params: reference.map(|reference| ParamRef {
                name: reference["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned),
                selector: reference.get("selector").filter(|selector| selector.is_object()).cloned(),
                namespace: text(&reference["namespace"]),
                not_found: if reference["parameterNotFoundAction"] == "Allow" {
                    NotFound::Allow
                } else {
                    NotFound::Deny
                },
            }),
            actions: actions
                .filter_map(|action| match action.as_str()? {
                    "Deny" => Some(Action::Deny),
                    "Warn" => Some(Action::Warn),
                    "Audit" => Some(Action::Audit),
                    _ => None,
                })
                .collect(),
        }
    }
}

fn compile(source: &Value, env: &Env) -> Result<Program, String> {
    let source = source.as_str().unwrap_or_default().trim();
    Program::compile(source, env).map_err(|error| format!("compilation failed: {error}"))
}
