//! Lists: scopes, selection, pages, consistent snapshots.

use std::sync::Arc;

use super::failure::Failure;
use super::options::{Continue, ListAt, ListOptions};
use super::respond::ListMeta;
use crate::store::{Listing, Store, Stored};

const TOO_OLD: &str = "The resourceVersion for the provided list is too old.";
const TOKEN_TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) meta: ListMeta,
    pub(super) items: Vec<Arc<Stored>>,
}

/// Returns the key prefix of a namespace, or of everything.
pub(super) fn scope(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!("{namespace}/") }
}

/// Lists a resource in a scope.
///
/// # Errors
/// When the asked revision is gone or not there yet.
pub(super) fn list(
    store: &Store,
    resource: &str,
    prefix: &str,
    options: &ListOptions,
) -> Result<Page, Failure> {
    let current = store.revision();
    let future = |asked: u64| {
        if asked > current { Err(Failure::future_revision(asked, current)) } else { Ok(()) }
    };
    let listing = match (&options.from, options.at) {
        (Some(Continue { revision: Some(revision), start }), _) => {
            store.list_at(resource, prefix, *revision).map_err(|_| expired_token(start))?
        }
        (Some(Continue { revision: None, .. }), _) | (None, ListAt::Latest | ListAt::Any) => {
            store.list(resource, prefix)
        }
        (None, ListAt::NotOlderThan(revision)) => {
            future(revision)?;
            store.list(resource, prefix)
        }
        (None, ListAt::Exact(revision)) => {
            future(revision)?;
            store.list_at(resource, prefix, revision).map_err(|_| Failure::expired(TOO_OLD))?
        }
    };
    // What any state satisfies comes in one piece.
    let limit = if options.at == ListAt::Any { None } else { options.limit };
    let start = options.from.as_ref().map_or(String::new(), |from| format!("{prefix}{}", from.start));
    Ok(page(listing, prefix, &start, limit, options))
}

fn page(listing: Listing, prefix: &str, start: &str, limit: Option<usize>, options: &ListOptions) -> Page {
    let Listing { revision, objects } = listing;
    let mut rest = objects.into_iter().filter(|object| object.key_str() >= start);
    let selected = |object: &Arc<Stored>| options.selection.is_empty() || options.selection.matches(object);
    let Some(limit) = limit else {
        let items = rest.filter(selected).collect();
        return Page { meta: ListMeta { revision, ..ListMeta::default() }, items };
    };
    let items: Vec<Arc<Stored>> = rest.by_ref().filter(selected).take(limit).collect();
    // What follows is not selected from: whether any of it would be shown is not known.
    let remaining = rest.count();
    let mut meta = ListMeta { revision, ..ListMeta::default() };
    if let (true, Some(last)) = (remaining > 0, items.last()) {
        let key = last.key();
        let start = format!("{}\0", key.strip_prefix(prefix).unwrap_or(&key));
        meta.token = Some(Continue { revision: Some(revision), start }.encode());
        // With a selection the real server does not know how many follow.
        meta.remaining = options.selection.is_empty().then_some(remaining);
    }
    Page { meta, items }
}

fn expired_token(start: &str) -> Failure {
    let token = Continue { revision: None, start: start.to_owned() }.encode();
    let mut failure = Failure::expired(TOKEN_TOO_OLD);
    *failure.metadata = serde_json::json!({"continue": token});
    failure
}
