//! `authorizer`: asks what a user may do.

use std::sync::Arc;

use super::super::error::EvalError;
use super::super::eval::Budget;
use super::super::value::Value;
use super::Answer;
use crate::auth::{Access, Decision, Rules, UserInfo};

/// Work of one question.
const QUESTION: u64 = 350_000;

/// A question that is being put together, or its answer.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    rules: Arc<Rules>,
    user: UserInfo,
    /// What the request itself is about: `authorizer.requestResource`.
    request: Access,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Authorizer,
    Path(Access),
    Group(Access),
    Resource(Access),
    Decision(Decision),
}

impl Authorization {
    /// Returns the authorizer of a user whose request is about `request`.
    pub(crate) fn new(rules: Arc<Rules>, user: UserInfo, request: Access) -> Self {
        Self { rules, user, request, stage: Stage::Authorizer }
    }

    /// Returns the name of the type at this stage.
    pub(in super::super) fn type_name(&self) -> &'static str {
        match self.stage {
            Stage::Authorizer => "kubernetes.authorization.Authorizer",
            Stage::Path(_) => "kubernetes.authorization.PathCheck",
            Stage::Group(_) => "kubernetes.authorization.GroupCheck",
            Stage::Resource(_) => "kubernetes.authorization.ResourceCheck",
            Stage::Decision(_) => "kubernetes.authorization.Decision",
        }
    }

    /// Returns the question about what the request is about.
    pub(in super::super) fn request_resource(&self) -> Option<Self> {
        matches!(self.stage, Stage::Authorizer).then(|| self.with(Stage::Resource(self.request.clone())))
    }

    fn with(&self, stage: Stage) -> Self {
        Self { stage, ..self.clone() }
    }

    fn ask(&self, access: &Access, verb: &str) -> Self {
        let access = Access { verb: verb.to_owned(), ..access.clone() };
        self.with(Stage::Decision(self.rules.decide(&self.user, &access)))
    }
}

pub(super) fn call(name: &str, args: &[Value], budget: &mut Budget) -> Answer {
    let (Value::Authorization(question), rest) = args.split_first()? else { return None };
    let next = |stage: Stage| Value::Authorization(Arc::new(question.with(stage)));
    Some(Ok(match (&question.stage, name, rest) {
        (Stage::Authorizer, "path", [Value::String(path)]) => {
            if path.is_empty() {
                return Some(Err(EvalError::failed("path must not be empty")));
            }
            next(Stage::Path(Access { path: path.to_string(), ..Access::default() }))
        }
        (Stage::Authorizer, "group", [Value::String(group)]) => {
            next(Stage::Group(Access { group: group.to_string(), ..Access::default() }))
        }
        (Stage::Authorizer, "serviceAccount", [Value::String(namespace), Value::String(name)]) => {
            let user = UserInfo::service_account(namespace, name, "");
            Value::Authorization(Arc::new(Authorization { user, ..Authorization::clone(question) }))
        }
        (Stage::Group(access), "resource", [Value::String(resource)]) => {
            next(Stage::Resource(Access { resource: resource.to_string(), ..access.clone() }))
        }
        (Stage::Resource(access), "subresource", [Value::String(text)]) => {
            next(Stage::Resource(Access { subresource: text.to_string(), ..access.clone() }))
        }
        (Stage::Resource(access), "namespace", [Value::String(text)]) => {
            next(Stage::Resource(Access { namespace: text.to_string(), ..access.clone() }))
        }
        (Stage::Resource(access), "name", [Value::String(text)]) => {
            next(Stage::Resource(Access { name: text.to_string(), ..access.clone() }))
        }
        // Roles do not look at selectors.
        (Stage::Resource(access), "fieldSelector" | "labelSelector", [Value::String(_)]) => {
            next(Stage::Resource(access.clone()))
        }
        (Stage::Resource(access) | Stage::Path(access), "check", [Value::String(verb)]) => {
            if let Err(error) = budget.charge(QUESTION) {
                return Some(Err(error));
            }
            Value::Authorization(Arc::new(question.ask(access, verb)))
        }
        (Stage::Decision(decision), "allowed", []) => Value::Bool(decision.allowed),
        (Stage::Decision(decision), "reason", []) => Value::string(decision.reason.as_str()),
        (Stage::Decision(_), "errored", []) => Value::Bool(false),
        (Stage::Decision(_), "error", []) => Value::string(""),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Env, Program, Type, Variables};
    use super::*;
    use crate::store::{Store, StoreOptions};

    fn run(source: &str, groups: &[&str]) -> Result<Value, String> {
        let env = Env::default().with("authorizer", Type::Opaque("kubernetes.authorization.Authorizer"));
        let program = Program::compile(source, &env).map_err(|error| error.to_string())?;
        let rules = Arc::new(Rules::new(Store::in_memory(&StoreOptions::default())));
        let request = Access { resource: "pods".to_owned(), ..Access::default() };
        let authorizer = Authorization::new(rules, UserInfo::new("alice", groups), request);
        let variables = Variables::from([("authorizer", Value::Authorization(Arc::new(authorizer)))]);
        program.eval(&variables, &mut Budget::new(1_000_000)).map_err(|error| error.to_string())
    }

    #[test]
    fn questions_are_answered_by_the_rules() {
        let ask = "authorizer.group('apps').resource('deployments').subresource('scale').namespace('n').name('x')\
                   .check('update').allowed()";
        assert_eq!(run(ask, &["system:masters"]), Ok(Value::Bool(true)));
        assert_eq!(run(ask, &[]), Ok(Value::Bool(false)));
        assert_eq!(run("authorizer.requestResource.check('get').reason() == ''", &[]), Ok(Value::Bool(true)));
        assert_eq!(run("authorizer.path('/healthz').check('get').errored()", &[]), Ok(Value::Bool(false)));
        assert!(run("authorizer.path('').check('get').allowed()", &[]).is_err());
        assert!(run("authorizer.check('get')", &[]).is_err());
        let three = "[1, 2, 3].all(i, authorizer.path('/a').check('get').allowed() || true)";
        assert_eq!(run(three, &[]), Err("operation cancelled: actual cost limit exceeded".to_owned()));
    }
}
