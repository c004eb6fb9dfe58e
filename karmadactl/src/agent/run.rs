//! The life of an agent: register, run the controllers, go on after every interruption.

use std::time::Duration;

use jiff::Timestamp;
use karmada_controllers::Controller;
use karmada_controllers::agent::{Agent, AgentSettings, RenewableClient};
use karmada_controllers::leader::{Candidate, LeaderSettings};
use karmada_controllers::tenure::Fence;
use kube::Client;

use super::credentials::{AgentCredentials, CredentialsError};
use super::registration::{AgentRegistration, register_agent};
use super::rotation::{RotationSettings, keep_certificate, newer};
use crate::attached::election::Progress;
use crate::attached::observe::Phase;
use crate::error::chain_line;
use crate::kubeconfig::Endpoint;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How an agent lives.
#[derive(Clone, Debug)]
pub struct AgentRun {
    pub credentials: AgentCredentials,
    pub registration: AgentRegistration,
    pub settings: AgentSettings,
    pub rotation: RotationSettings,
    /// Several agents of one cluster take turns by this lease in the control plane.
    pub election: Option<LeaderSettings>,
}

/// Runs an agent until `stop` completes. What fails is tried again: the control plane and the member may be away.
///
/// # Errors
/// When the credentials are not usable.
pub async fn run_agent(
    member: &Endpoint,
    run: AgentRun,
    progress: &Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), CredentialsError> {
    let fence = Fence::default();
    let (fenced_member, member) = (member.fenced_client(&fence)?, &member.client()?);
    let AgentRun { mut credentials, registration, settings, rotation, election } = run;
    // A renewal may have left newer ones in the member, and the file's may have ended meanwhile.
    if let Some(newer) = newer(member, &credentials, &rotation).await {
        credentials = newer;
    }
    if let Some(certificate) = credentials.certificate()
        && certificate.not_after <= Timestamp::now()
    {
        tracing::error!(
            origin = credentials.origin(),
            ended = %certificate.not_after,
            "the certificate for the control plane is no longer good: unregister the cluster and register it again"
        );
    }
    let control_plane = RenewableClient::new(credentials.clients(&fence).await?);
    let rotates = settings.controllers.is_enabled(Controller::CertRotation);
    let kept = async {
        if rotates {
            keep_certificate(&control_plane, member, credentials.clone(), &rotation, &fence).await;
        }
        std::future::pending::<()>().await;
    };
    let (client, fenced_client) = (control_plane.client(), control_plane.fenced_client());
    tokio::pin!(stop);
    tokio::pin!(kept);
    let mut candidate = election.map(|election| Candidate::new(client, election));
    if let Some(candidate) = &candidate {
        fence.add(candidate.tenure());
    }
    let settings = AgentSettings { fence: Some(fence.clone()), ..settings };
    loop {
        progress.tell(Phase::StandingBy);
        let started = async {
            if let Some(candidate) = &mut candidate {
                candidate.lead().await;
            }
            progress.tell(Phase::Starting);
            // Registering and filling the caches may take longer than the lease lasts.
            tokio::select! {
                agent = start(&fenced_client, &fenced_member, &registration, &settings) => Some(agent),
                () = hold(&mut candidate) => None,
            }
        };
        let agent = tokio::select! {
            () = &mut stop => break,
            () = &mut kept => break,
            agent = started => agent,
        };
        let Some(agent) = agent else { continue };
        progress.follow(agent.runtime());
        progress.tell(Phase::Working);
        let is_over = tokio::select! {
            () = &mut stop => true,
            () = &mut kept => true,
            () = hold(&mut candidate) => false,
        };
        progress.forget();
        agent.shutdown().await;
        if is_over {
            break;
        }
    }
    if let Some(mut candidate) = candidate {
        // Whoever is cut off must not wait for ever to say good-bye.
        drop(tokio::time::timeout(LONGEST_PAUSE, candidate.release()).await);
    }
    Ok(())
}

/// Keeps the lease, where there is one, until it is lost.
async fn hold(candidate: &mut Option<Candidate>) {
    match candidate {
        Some(candidate) => candidate.hold().await,
        None => std::future::pending().await,
    }
}

/// Registers the cluster and starts the controllers, as often as it takes.
async fn start(
    control_plane: &Client,
    member: &Client,
    registration: &AgentRegistration,
    settings: &AgentSettings,
) -> Agent {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match register_agent(control_plane, member, registration).await {
            Ok(()) => match Agent::start(control_plane.clone(), member.clone(), settings.clone()).await {
                Ok(agent) => return agent,
                Err(error) => chain_line(&error),
            },
            Err(error) => chain_line(&error),
        };
        tracing::warn!(cluster = settings.cluster, error, "the agent did not start, will retry");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
