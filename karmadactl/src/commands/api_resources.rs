//! `karmadactl api-resources`.

use std::collections::BTreeMap;

use clap::{ArgAction, Args, ValueEnum};

use super::reach::{ScopeArgs, reach};
use crate::change::parse_flag;
use crate::context::Context;
use crate::discovery::{Discovery, ResourceKind, Scope};
use crate::error::CliError;
use crate::table::{Heading, Table, Widths};

const EXAMPLES: &str = "\
Examples:
  # List the resources of the control plane
  karmadactl api-resources

  # List those of a member that have namespaces and can be listed, with their verbs
  karmadactl api-resources --namespaced --verbs list -o wide --operation-scope members --cluster member1";

/// List the resources that a server has
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ApiResourcesArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// Only those of this API group; of the core group when empty
    #[arg(long, value_name = "GROUP")]
    pub api_group: Option<String>,

    /// Only those of these categories, separated by commas (can be repeated)
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    pub categories: Vec<String>,

    /// Only those that have namespaces, or (false) only those that have none
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = parse_flag, action = ArgAction::Set)]
    pub namespaced: Option<bool>,

    /// Only those that know these verbs, separated by commas (can be repeated)
    #[arg(long, value_name = "VERB", value_delimiter = ',')]
    pub verbs: Vec<String>,

    /// Order
    #[arg(long, value_enum, value_name = "COLUMN")]
    pub sort_by: Option<Column>,

    /// More columns, or only names
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Leave out the headings
    #[arg(long)]
    pub no_headers: bool,

    /// Accepted for compatibility: nothing is cached
    #[arg(long, hide = true)]
    pub cached: bool,

    /// Accepted for compatibility: no objects are printed
    #[arg(long, hide = true)]
    pub show_managed_fields: bool,
}

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Column {
    /// Name
    Name,
    /// Kind
    Kind,
}

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Verbs and categories, too
    Wide,
    /// Only names
    Name,
}

/// Lists the resources.
pub async fn run(args: ApiResourcesArgs, context: &Context) -> Result<(), CliError> {
    let control_plane = context.connection.connect().await?;
    let scope = args.scope.operation_scope;
    let client = reach(&control_plane, scope, args.scope.cluster.as_deref()).await?;
    let discovery = Discovery::of(&client).await.map_err(|error| control_plane.explain(error))?;
    let kinds = select(&args, discovery.kinds());
    if args.output == Some(Format::Name) {
        return kinds.iter().try_for_each(|kind| context.printer.line(&kind.qualified_plural()));
    }
    let heading = if args.no_headers { Heading::Hidden } else { Heading::Shown };
    context.printer.data(&table(&kinds, args.output).render_with(&mut Widths::default(), heading))
}

/// Returns the kinds that are wanted, of every group those of the version it prefers.
fn select<'a>(args: &ApiResourcesArgs, kinds: &'a [ResourceKind]) -> Vec<&'a ResourceKind> {
    let mut preferred: BTreeMap<&str, &str> = BTreeMap::new();
    for kind in kinds {
        preferred.entry(&kind.group).or_insert(&kind.version);
    }
    let mut wanted: Vec<&ResourceKind> = kinds
        .iter()
        .filter(|kind| {
            preferred.get(kind.group.as_str()).is_some_and(|version| *version == kind.version)
                && !kind.verbs.is_empty()
                && args.api_group.as_ref().is_none_or(|group| *group == kind.group)
                && args.namespaced.is_none_or(|wanted| wanted == (kind.scope == Scope::Namespaced))
                && args.verbs.iter().all(|verb| kind.verbs.contains(verb))
                && args.categories.iter().all(|category| kind.categories.contains(category))
        })
        .collect();
    match args.sort_by {
        None => wanted.sort_by_key(|kind| (&kind.group, &kind.plural)),
        Some(Column::Name) => wanted.sort_by_key(|kind| (&kind.plural, &kind.group)),
        Some(Column::Kind) => wanted.sort_by_key(|kind| (&kind.kind, &kind.group)),
    }
    wanted
}

fn table(kinds: &[&ResourceKind], format: Option<Format>) -> Table {
    let mut columns = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
    if format == Some(Format::Wide) {
        columns.extend(["VERBS", "CATEGORIES"]);
    }
    let mut table = Table::new(columns);
    for kind in kinds {
        let namespaced = kind.scope == Scope::Namespaced;
        let mut cells = vec![
            kind.plural.clone(),
            kind.short_names.join(","),
            kind.api_version(),
            namespaced.to_string(),
            kind.kind.clone(),
        ];
        if format == Some(Format::Wide) {
            let mut verbs = kind.verbs.clone();
            verbs.sort();
            cells.extend([verbs.join(","), kind.categories.join(",")]);
        }
        table.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: ApiResourcesArgs,
    }

    fn kind(group: &str, version: &str, kind: &str, scope: Scope) -> ResourceKind {
        ResourceKind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: format!("{}s", kind.to_lowercase()),
            verbs: vec!["list".into(), "get".into()],
            scope,
            ..ResourceKind::default()
        }
    }

    #[test]
    fn preferred_versions_that_fit_the_flags_are_listed() {
        let kinds = [
            kind("", "v1", "Pod", Scope::Namespaced),
            kind("apps", "v1", "Deployment", Scope::Namespaced),
            kind("apps", "v1beta1", "Deployment", Scope::Namespaced),
            kind("", "v1", "Node", Scope::Cluster),
        ];
        let names = |line: &[&str]| {
            let args = Line::try_parse_from([&["api-resources"], line].concat()).unwrap().args;
            select(&args, &kinds).iter().map(|kind| kind.qualified_plural()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["nodes", "pods", "deployments.apps"]);
        assert_eq!(names(&["--sort-by", "kind"]), ["deployments.apps", "nodes", "pods"]);
        assert_eq!(names(&["--namespaced=false"]), ["nodes"]);
        assert_eq!(names(&["--namespaced", "--api-group", ""]), ["pods"]);
        assert!(names(&["--verbs", "list,watch"]).is_empty());
    }
}
