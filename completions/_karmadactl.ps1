
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'karmadactl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'karmadactl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'karmadactl' {
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show what Karmada does, with three simulated members in this process')
            [CompletionResult]::new('local-up', 'local-up', [CompletionResultType]::ParameterValue, 'Run a control plane with simulated member clusters, joined')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve an embedded control plane in the foreground')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Display objects of the control plane and of member clusters')
            [CompletionResult]::new('propagate', 'propagate', [CompletionResultType]::ParameterValue, 'Apply manifests and propagate them to member clusters')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Show where resources would go, without a server')
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Register a cluster with the control plane in push mode')
            [CompletionResult]::new('unjoin', 'unjoin', [CompletionResultType]::ParameterValue, 'Take a push mode cluster out of the control plane')
            [CompletionResult]::new('interpret', 'interpret', [CompletionResultType]::ParameterValue, 'Check, run and test resource interpreters without a cluster')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print a script that completes commands and flags in a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version of this program and of the control plane')
            break
        }
        'karmadactl;demo' {
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep everything running after the demo, for kubectl')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;local-up' {
            [CompletionResult]::new('--members', '--members', [CompletionResultType]::ParameterName, 'How many simulated members')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'Directory of the data and the kubeconfigs [default: karmada/local-up in the user''s data directory]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address of the control plane; port 0 takes the port of the last run if it is free, else any')
            [CompletionResult]::new('--durability', '--durability', [CompletionResultType]::ParameterName, 'When a write is acknowledged')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--in-memory', '--in-memory', [CompletionResultType]::ParameterName, 'Keep nothing on disk but the kubeconfigs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;serve' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'Directory of the data [default: karmada/serve in the user''s data directory]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address to listen on; port 0 takes the port of the last run if it is free, else any')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Kubeconfig to write, readable for the user only [default: karmada-apiserver.config in the data directory]')
            [CompletionResult]::new('--durability', '--durability', [CompletionResultType]::ParameterName, 'When a write is acknowledged')
            [CompletionResult]::new('--ready-fd', '--ready-fd', [CompletionResultType]::ParameterName, 'Open file descriptor (pipe or file) that also gets the line that says it is ready')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Do not serve: wait until the server that writes the kubeconfig is ready, for 1m unless =DURATION says otherwise')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--in-memory', '--in-memory', [CompletionResultType]::ParameterName, 'Keep nothing on disk')
            [CompletionResult]::new('--api-only', '--api-only', [CompletionResultType]::ParameterName, 'Serve a plain Kubernetes API: no Karmada kinds, no controllers')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;get' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Member clusters to ask, separated by commas (can be repeated) [default: all]')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Member clusters to ask, separated by commas (can be repeated) [default: all]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Clusters to ask')
            [CompletionResult]::new('--operation-scope', '--operation-scope', [CompletionResultType]::ParameterName, 'Clusters to ask')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Display objects with these labels only')
            [CompletionResult]::new('--labels', '--labels', [CompletionResultType]::ParameterName, 'Display objects with these labels only')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace to look in [default: that of the kubeconfig''s context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace to look in [default: that of the kubeconfig''s context]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Wait this long for one cluster')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Follow changes after the list; in one cluster only')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Follow changes after the list; in one cluster only')
            [CompletionResult]::new('--ignore-not-found', '--ignore-not-found', [CompletionResultType]::ParameterName, 'Succeed when a named object does not exist')
            [CompletionResult]::new('--no-headers', '--no-headers', [CompletionResultType]::ParameterName, 'Leave out the headings')
            [CompletionResult]::new('--show-labels', '--show-labels', [CompletionResultType]::ParameterName, 'Display all labels in a last column')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;propagate' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'File or directory of manifests, - for stdin (can be repeated)')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'File or directory of manifests, - for stdin (can be repeated)')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Propagate to these clusters, separated by commas (can be repeated)')
            [CompletionResult]::new('--cluster-selector', '--cluster-selector', [CompletionResultType]::ParameterName, 'Propagate to clusters with these labels, also to those that join later')
            [CompletionResult]::new('--divide', '--divide', [CompletionResultType]::ParameterName, 'Share replicas out: weighted (by room), aggregated (in few clusters) or static m1=2,m2=1 [default: all replicas in every cluster]')
            [CompletionResult]::new('--policy-name', '--policy-name', [CompletionResultType]::ParameterName, 'Name of the policy [default: name of the object, or of the file when it has several]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: that of the kubeconfig''s context]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: that of the kubeconfig''s context]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Wait this long')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Send nothing (client), or have it checked and not kept (server)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the objects (yaml, json) or their names')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the objects (yaml, json) or their names')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--all-clusters', '--all-clusters', [CompletionResultType]::ParameterName, 'Propagate to all clusters, also to those that join later')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the objects are healthy in all clusters')
            [CompletionResult]::new('--force-conflicts', '--force-conflicts', [CompletionResultType]::ParameterName, 'Take over fields that somebody else set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;simulate' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'File or directory of manifests, - for stdin (can be repeated)')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'File or directory of manifests, - for stdin (can be repeated)')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'File or directory with Clusters, - for stdin (can be repeated)')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Cluster in short: name=m1,region=eu,zone=a,provider=x,cpu=100,memory=200Gi,pods=500,label.k=v (can be repeated)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--manifests', '--manifests', [CompletionResultType]::ParameterName, 'Write what each cluster receives below this directory, as CLUSTER/NAMESPACE/KIND/NAME.yaml')
            [CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Show what moves, compared with the input of this file or directory (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Say why each cluster was taken or refused')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the directory of --manifests, with all that is in it')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Refuse input with warnings, such as fields that a kind does not have')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;join' {
            [CompletionResult]::new('--cluster-kubeconfig', '--cluster-kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the cluster to join')
            [CompletionResult]::new('--cluster-context', '--cluster-context', [CompletionResultType]::ParameterName, 'Context of that kubeconfig [default: its current context]')
            [CompletionResult]::new('--cluster-namespace', '--cluster-namespace', [CompletionResultType]::ParameterName, 'Namespace of the credentials, in the cluster and in the control plane')
            [CompletionResult]::new('--cluster-provider', '--cluster-provider', [CompletionResultType]::ParameterName, 'Provider of the cluster, for policies to choose by')
            [CompletionResult]::new('--cluster-region', '--cluster-region', [CompletionResultType]::ParameterName, 'Region of the cluster, for policies to choose by')
            [CompletionResult]::new('--cluster-zones', '--cluster-zones', [CompletionResultType]::ParameterName, 'Zones of the cluster, separated by commas (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check everything and write nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;unjoin' {
            [CompletionResult]::new('--cluster-kubeconfig', '--cluster-kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the cluster, to remove the credentials in it')
            [CompletionResult]::new('--cluster-context', '--cluster-context', [CompletionResultType]::ParameterName, 'Context of that kubeconfig [default: the one called like the cluster]')
            [CompletionResult]::new('--cluster-namespace', '--cluster-namespace', [CompletionResultType]::ParameterName, 'Namespace of the credentials in the cluster')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait this long for the cluster object to go')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Remove finalizers when the control plane does not let go; objects may stay behind in the cluster')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check everything and write nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;interpret' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'File or directory of customizations, - for stdin (can be repeated)')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'File or directory of customizations, - for stdin (can be repeated)')
            [CompletionResult]::new('--operation', '--operation', [CompletionResultType]::ParameterName, 'Ask this: Retain, InterpretReplica, InterpretComponent, ReviseReplica, InterpretStatus, AggregateStatus, InterpretHealth or InterpretDependency')
            [CompletionResult]::new('--desired-file', '--desired-file', [CompletionResultType]::ParameterName, 'File of the object as the control plane has it')
            [CompletionResult]::new('--observed-file', '--observed-file', [CompletionResultType]::ParameterName, 'File of the object as a member cluster has it')
            [CompletionResult]::new('--status-file', '--status-file', [CompletionResultType]::ParameterName, 'File of what the clusters report: clusterName and status, one a document or a list')
            [CompletionResult]::new('--desired-replica', '--desired-replica', [CompletionResultType]::ParameterName, 'Replicas of one cluster, for ReviseReplica')
            [CompletionResult]::new('--test', '--test', [CompletionResultType]::ParameterName, 'Run the test cases of a file or directory (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Read the directories below a directory too')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Read the directories below a directory too')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check that the scripts load')
            [CompletionResult]::new('--show-doc', '--show-doc', [CompletionResultType]::ParameterName, 'Print what the functions of the rules receive and return, of one rule with --operation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;completion' {
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'karmadactl;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print as a document')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print as a document')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]')
            [CompletionResult]::new('--karmada-context', '--karmada-context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig to use [default: its current context]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Set what is logged to stderr, such as info or karmada_controllers=debug')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Print the version of this program only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
