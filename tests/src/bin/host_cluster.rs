//! A real host cluster to try installations on, until standard input ends.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use karmada_tests::process;
use karmada_tests::rig::host::{HostCluster, HostPrograms, missing};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(kubeconfig) = arguments.next() else {
        anyhow::bail!("usage: host-cluster KUBECONFIG [KARMADACTL]");
    };
    if let Some(missing) = missing() {
        anyhow::bail!("no host cluster can run here: {missing}");
    }
    let program = match arguments.next() {
        Some(program) => program,
        None => process::program_under_test()?,
    };
    let cluster = HostCluster::start(&HostPrograms::obtain()?).await?;
    cluster.load_installation(&program)?;
    std::fs::write(&kubeconfig, cluster.admin_kubeconfig()?.to_string())?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "the host cluster is ready: --kubeconfig {}; its node is {}, its logs are in {}",
        kubeconfig.display(),
        cluster.address(),
        cluster.machine().path("logs").display()
    )?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
