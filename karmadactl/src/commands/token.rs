//! `karmadactl token`.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use karmada_controllers::credentials::public_key_pins;

use super::join::control_plane;
use crate::context::{ConnectionArgs, Context};
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::kubeconfig;
use crate::table::Table;
use crate::token::{
    DEFAULT_GROUP, ListedToken, TokenError, TokenId, TokenOptions, Usage, check_group, create_token,
    delete_token, list_tokens,
};

const EXAMPLES: &str = "\
Examples:
  # Make a token, and print the command that registers a cluster with it
  karmadactl token create --print-register-command

  # Make a token for one hour, and see which there are
  karmadactl token create --ttl 1h --description 'for member1'
  karmadactl token list

  # A token is not needed any more
  karmadactl token delete abcdef";

/// Make, list and delete bootstrap tokens
///
/// A bootstrap token lets a cluster that is to be registered in pull mode trust the control plane, and the control plane
/// trust it. It is a Secret bootstrap-token-ID of type bootstrap.kubernetes.io/token in kube-system.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct TokenArgs {
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    Create(CreateTokenArgs),
    List(ListTokenArgs),
    Delete(DeleteTokenArgs),
}

/// Make a token
#[derive(Args, Debug)]
pub struct CreateTokenArgs {
    /// What the token is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub description: String,

    /// Groups that the token acts for (can be repeated)
    #[arg(long, value_name = "GROUP", value_delimiter = ',', default_value = DEFAULT_GROUP, value_parser = check_group)]
    pub groups: Vec<String>,

    /// Print the whole command that registers a cluster with the token
    #[arg(long)]
    pub print_register_command: bool,

    /// How long the token is good; 0 is for ever
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub ttl: Duration,

    /// What the token may be used for (can be repeated)
    #[arg(long, value_enum, value_name = "USAGE", value_delimiter = ',', default_values = ["signing", "authentication"])]
    pub usages: Vec<Usage>,

    /// There is nothing to name: tokens are made here
    #[arg(hide = true)]
    pub unwanted: Vec<String>,
}

/// List the tokens
#[derive(Args, Debug)]
pub struct ListTokenArgs {}

/// Delete tokens
#[derive(Args, Debug)]
pub struct DeleteTokenArgs {
    /// Tokens, or their ids: the part before the dot
    #[arg(value_name = "TOKEN")]
    pub tokens: Vec<String>,
}

/// A command line that makes no sense, in the words of Karmada's own program.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("unknown command {0:?} for \"karmadactl token create\"")]
    Unwanted(String),
    #[error("missing argument; 'token delete' is missing token of form {PATTERN:?} or {PATTERN:?}")]
    NoToken,
    #[error("given token didn't match pattern {PATTERN:?} or {PATTERN:?}")]
    NotAToken,
    #[error("the kubeconfig names no certificate authority of {server}")]
    NoAuthority { server: String },
    #[error("the certificate authority of {server} cannot be read")]
    Authority {
        server: String,
        #[source]
        source: karmada_controllers::credentials::ReadError,
    },
}

/// What upstream says that both forms look like.
const PATTERN: &str = r"\A([a-z0-9]{6})\z";

/// Does it.
pub async fn run(args: TokenArgs, context: &Context) -> Result<(), CliError> {
    match args.command {
        TokenCommand::Create(args) => create(args, context).await,
        TokenCommand::List(ListTokenArgs {}) => list(context).await,
        TokenCommand::Delete(args) => delete(args, context).await,
    }
}

async fn create(args: CreateTokenArgs, context: &Context) -> Result<(), CliError> {
    let CreateTokenArgs { description, groups, print_register_command, ttl, usages, unwanted } = args;
    if let Some(unwanted) = unwanted.into_iter().next() {
        return Err(CliError::failed(Misuse::Unwanted(unwanted)));
    }
    let client = control_plane(&context.connection).await?;
    // What cannot be printed later must not leave a token behind.
    let rest = if print_register_command { Some(address(&context.connection).await?) } else { None };
    let options = TokenOptions {
        lifetime: (!ttl.is_zero()).then(|| SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX)),
        usages,
        groups,
        description,
    };
    let token = create_token(&client, &options, Timestamp::now()).await.map_err(explain)?;
    let Some(Address { endpoint, pins }) = rest else {
        return context.printer.line(&token.text());
    };
    let mut command = format!("karmadactl register {endpoint} --token {}", token.text());
    for pin in pins {
        command.push_str(" --discovery-token-ca-cert-hash ");
        command.push_str(&pin);
    }
    context.printer.line(&command)
}

/// Where the control plane is, and how it is told from others.
struct Address {
    endpoint: String,
    pins: Vec<String>,
}

async fn address(connection: &ConnectionArgs) -> Result<Address, CliError> {
    let endpoint =
        kubeconfig::load(connection.kubeconfig.as_deref(), connection.karmada_context.as_deref()).await?;
    let server = endpoint.server.clone();
    let authority = endpoint
        .certificate_authority()
        .ok_or_else(|| CliError::failed(Misuse::NoAuthority { server: server.clone() }))?;
    let pins = public_key_pins(authority.as_bytes())
        .map_err(|source| CliError::failed(Misuse::Authority { server: server.clone(), source }))?;
    let host = server.trim_start_matches("https://").trim_end_matches('/').to_owned();
    Ok(Address { endpoint: host, pins })
}

async fn list(context: &Context) -> Result<(), CliError> {
    let client = control_plane(&context.connection).await?;
    let tokens = list_tokens(&client).await.map_err(explain)?;
    context.printer.data(&table(&tokens, Timestamp::now()).render())
}

fn table(tokens: &[ListedToken], now: Timestamp) -> Table {
    let mut table = Table::new(["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"]);
    let or_none = |text: String| if text.is_empty() { "<none>".to_owned() } else { text };
    for token in tokens {
        let (left, expires) = match token.expires {
            None => ("<forever>".to_owned(), "<never>".to_owned()),
            Some(end) if end <= now => ("<invalid>".to_owned(), whole_seconds(end)),
            Some(end) => (short(end.duration_since(now)), whole_seconds(end)),
        };
        table.push([
            token.token.clone(),
            left,
            expires,
            or_none(token.usages.join(",")),
            or_none(token.description.clone()),
            or_none(token.groups.join(",")),
        ]);
    }
    table
}

fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A duration in its largest unit.
fn short(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

async fn delete(args: DeleteTokenArgs, context: &Context) -> Result<(), CliError> {
    if args.tokens.is_empty() {
        return Err(CliError::failed(Misuse::NoToken));
    }
    let ids: Option<Vec<TokenId>> = args.tokens.iter().map(|text| TokenId::parse(text)).collect();
    let ids = ids.ok_or_else(|| {
        CliError::failed(Misuse::NotAToken)
            .with_hint("`karmadactl token list` shows the tokens; the part before the dot is enough")
    })?;
    let client = control_plane(&context.connection).await?;
    for id in ids {
        delete_token(&client, &id).await.map_err(explain)?;
        context.printer.line(&format!("bootstrap token \"{id}\" deleted"))?;
    }
    Ok(())
}

fn explain(error: TokenError) -> CliError {
    let hints = match &error {
        TokenError::Api { source, .. } if source.is_not_found() => {
            vec!["`karmadactl token list` shows the tokens".to_owned()]
        }
        TokenError::Api { source, .. } => source.hints(),
        TokenError::Random(_) => Vec::new(),
    };
    CliError::failed(error).with_hints(hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_listed_as_kubeadm_does() {
        let token = |expires: Option<&str>| ListedToken {
            token: "abcdef.0123456789abcdef".into(),
            expires: expires.map(|text| text.parse().unwrap()),
            usages: vec!["authentication".into(), "signing".into()],
            description: String::new(),
            groups: vec!["system:bootstrappers:x".into()],
        };
        let tokens = [token(None), token(Some("2026-11-22T09:00:00Z")), token(Some("2026-11-20T09:00:00Z"))];
        let table = table(&tokens, "2026-11-21T10:00:00Z".parse().unwrap());
        let column = |index: usize| table.rows.iter().map(|row| row[index].as_str()).collect::<Vec<_>>();
        assert_eq!(column(1), ["<forever>", "23h", "<invalid>"]);
        assert_eq!(column(2), ["<never>", "2026-11-22T09:00:00Z", "2026-11-20T09:00:00Z"]);
        assert_eq!(column(4), ["<none>"; 3]);
    }
}
