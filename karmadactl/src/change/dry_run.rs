//! How far a change goes.

/// How far a change goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// It is made.
    #[default]
    None,
    /// Nothing is written; objects may be read.
    Client,
    /// As `Client`, asked for in the old way, without a word.
    Unnamed,
    /// The server checks everything and keeps nothing.
    Server,
}

impl DryRun {
    /// Whether nothing is sent that writes.
    pub fn is_client(self) -> bool {
        matches!(self, Self::Client | Self::Unnamed)
    }

    /// What is said behind a line about a change.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client | Self::Unnamed => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    /// What to tell who asked in the old way.
    pub fn warning(self) -> Option<&'static str> {
        (self == Self::Unnamed)
            .then_some("--dry-run is deprecated and can be replaced with --dry-run=client.")
    }
}

/// Reads the word behind `--dry-run=`; `unchanged` stands for none.
pub fn parse_dry_run(text: &str) -> Result<DryRun, String> {
    match text {
        "none" | "false" => Ok(DryRun::None),
        "client" => Ok(DryRun::Client),
        "unchanged" | "true" => Ok(DryRun::Unnamed),
        "server" => Ok(DryRun::Server),
        _ => Err(format!("Invalid dry-run value ({text}). Must be \"none\", \"server\", or \"client\".")),
    }
}
