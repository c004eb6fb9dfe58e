//! Whether the server lives and can be used: `/livez`, `/readyz` and the old `/healthz`.

use axum::response::Response;
use http::StatusCode;

use super::query::Query;
use super::respond::text;
use crate::server::Inner;

/// The checks of each path.
const PATHS: [(&str, &[Check]); 3] = [
    ("/healthz", &[Check::Ping, Check::Log, Check::Storage]),
    ("/livez", &[Check::Ping, Check::Log, Check::Storage]),
    (
        "/readyz",
        &[Check::Ping, Check::Log, Check::Storage, Check::StorageReady, Check::Informers, Check::Shutdown],
    ),
];

/// One thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Ping,
    Log,
    Storage,
    StorageReady,
    Informers,
    Shutdown,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Log => "log",
            Self::Storage => "etcd",
            Self::StorageReady => "etcd-readiness",
            Self::Informers => "informer-sync",
            Self::Shutdown => "shutdown",
        }
    }

    /// Says what is wrong.
    fn problem(self, server: &Inner) -> Option<&'static str> {
        match self {
            Self::Shutdown => server.shutdown.is_cancelled().then_some("process is shutting down"),
            // A server that answers has its objects and its kinds in memory.
            Self::Ping | Self::Log | Self::Storage | Self::StorageReady | Self::Informers => None,
        }
    }
}

/// Says whether a path asks for the health of the server; such requests never wait.
pub(crate) fn is_probe(path: &str) -> bool {
    find(path).is_some()
}

/// Answers a path that asks for the health of the server.
pub(super) fn answer(server: &Inner, path: &str, query: &Query) -> Option<Response> {
    let (base, checks, wanted) = find(path)?;
    if !wanted.is_empty() {
        // The real server lists the storage among what it is ready for, and has no path of its own for that.
        let has_path = |check: &Check| *check != Check::Storage || base != "/readyz";
        let Some(check) = checks.iter().find(|check| check.name() == wanted && has_path(check)) else {
            return Some(text(StatusCode::NOT_FOUND, "404 page not found\n"));
        };
        return Some(match check.problem(server) {
            None => text(StatusCode::OK, "ok"),
            Some(why) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("internal server error: {why}\n")),
        });
    }
    Some(all(server, base.trim_start_matches('/'), checks, query))
}

fn all(server: &Inner, name: &str, checks: &[Check], query: &Query) -> Response {
    let mut excluded: Vec<&str> = query.all("exclude").flat_map(|names| names.split(',')).collect();
    let mut out = String::new();
    let mut healthy = true;
    for check in checks {
        let named = excluded.len();
        excluded.retain(|name| *name != check.name());
        let line = if excluded.len() < named {
            format!("[+]{} excluded: ok\n", check.name())
        } else if check.problem(server).is_some() {
            healthy = false;
            format!("[-]{} failed: reason withheld\n", check.name())
        } else {
            format!("[+]{} ok\n", check.name())
        };
        out.push_str(&line);
    }
    if !excluded.is_empty() {
        let names: Vec<String> = excluded.iter().map(|name| format!("{name:?}")).collect();
        let names = names.join(",");
        out.push_str("warn: some health checks cannot be excluded: no matches for ");
        out.push_str(&names);
        out.push('\n');
    }
    if !healthy {
        return text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{out}{name} check failed\n"));
    }
    if query.first("verbose").is_none() {
        return text(StatusCode::OK, "ok");
    }
    text(StatusCode::OK, &format!("{out}{name} check passed\n"))
}

/// Returns the path of health, its checks and the name of the wanted one.
fn find(path: &str) -> Option<(&'static str, &'static [Check], &str)> {
    PATHS.iter().find_map(|(base, checks)| {
        let rest = path.strip_prefix(base)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((*base, *checks, rest.trim_matches('/')))
    })
}
