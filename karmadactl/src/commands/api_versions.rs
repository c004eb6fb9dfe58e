//! `karmadactl api-versions`.

use clap::Args;
use http::Request;
use serde_json::Value;

use super::reach::{ScopeArgs, reach};
use crate::api_error::ApiError;
use crate::context::Context;
use crate::error::CliError;

/// List the API versions that a server has
#[derive(Args, Debug)]
pub struct ApiVersionsArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// Lists the versions.
pub async fn run(args: ApiVersionsArgs, context: &Context) -> Result<(), CliError> {
    let control_plane = context.connection.connect().await?;
    let scope = args.scope.operation_scope;
    let client = reach(&control_plane, scope, args.scope.cluster.as_deref()).await?;
    let mut versions = Vec::new();
    for root in ["/api", "/apis"] {
        let document = read(&client, root).await.map_err(|error| control_plane.explain(error))?;
        versions.extend(read_versions(&document));
    }
    versions.sort();
    versions.iter().try_for_each(|version| context.printer.line(version))
}

async fn read(client: &kube::Client, path: &str) -> Result<Value, ApiError> {
    let request = Request::get(path).header("Accept", "application/json").body(Vec::new());
    Ok(client.request(request.map_err(kube::Error::HttpError)?).await?)
}

/// Returns the versions of a root of discovery.
fn read_versions(document: &Value) -> Vec<String> {
    let core = document["versions"].as_array().into_iter().flatten();
    let groups = document["groups"].as_array().into_iter().flatten();
    let named = groups
        .flat_map(|group| group["versions"].as_array().into_iter().flatten())
        .map(|version| &version["groupVersion"]);
    core.chain(named).filter_map(|version| version.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_roots_of_discovery_are_read() {
        assert_eq!(read_versions(&json!({"versions": ["v1"]})), ["v1"]);
        let groups =
            json!({"groups": [{"versions": [{"groupVersion": "apps/v1"}, {"groupVersion": "apps/v2"}]}]});
        assert_eq!(read_versions(&groups), ["apps/v1", "apps/v2"]);
    }
}
