# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_karmadactl_global_optspecs
    string join \n kubeconfig= karmada-context= log= h/help V/version
end

function __fish_karmadactl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_karmadactl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_karmadactl_using_subcommand
    set -l cmd (__fish_karmadactl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c karmadactl -n "__fish_karmadactl_needs_command" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_needs_command" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_needs_command" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -s V -l version -d 'Print version'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "demo" -d 'Show what Karmada does, with three simulated members in this process'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "local-up" -d 'Run a control plane with simulated member clusters, joined'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "serve" -d 'Serve an embedded control plane in the foreground'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "get" -d 'Display objects of the control plane and of member clusters'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "propagate" -d 'Apply manifests and propagate them to member clusters'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "simulate" -d 'Show where resources would go, without a server'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "join" -d 'Register a cluster with the control plane in push mode'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "unjoin" -d 'Take a push mode cluster out of the control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "interpret" -d 'Check, run and test resource interpreters without a cluster'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "completion" -d 'Print a script that completes commands and flags in a shell'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "version" -d 'Print the version of this program and of the control plane'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l keep -d 'Keep everything running after the demo, for kubectl'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l members -d 'How many simulated members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l data-dir -d 'Directory of the data and the kubeconfigs [default: karmada/local-up in the user\'s data directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l listen -d 'Address of the control plane; port 0 takes the port of the last run if it is free, else any' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l durability -d 'When a write is acknowledged' -r -f -a "fsync\t'When it is safe on disk'
async\t'When the operating system has it; a power cut may lose the last writes'
memory\t'At once; nothing is written'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l in-memory -d 'Keep nothing on disk but the kubeconfigs'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l data-dir -d 'Directory of the data [default: karmada/serve in the user\'s data directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l listen -d 'Address to listen on; port 0 takes the port of the last run if it is free, else any' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l kubeconfig -d 'Kubeconfig to write, readable for the user only [default: karmada-apiserver.config in the data directory]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l durability -d 'When a write is acknowledged' -r -f -a "fsync\t'When it is safe on disk'
async\t'When the operating system has it; a power cut may lose the last writes'
memory\t'At once; nothing is written'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l ready-fd -d 'Open file descriptor (pipe or file) that also gets the line that says it is ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l wait -d 'Do not serve: wait until the server that writes the kubeconfig is ready, for 1m unless =DURATION says otherwise' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l in-memory -d 'Keep nothing on disk'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l api-only -d 'Serve a plain Kubernetes API: no Karmada kinds, no controllers'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s s -l operation-scope -d 'Clusters to ask' -r -f -a "karmada\t'The control plane'
members\t'Member clusters'
all\t'The control plane and member clusters'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s l -l labels -d 'Display objects with these labels only' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s n -l namespace -d 'Namespace to look in [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s o -l output -d 'Output format' -r -f -a "table\t'Columns for people'
wide\t'More columns'
json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l request-timeout -d 'Wait this long for one cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s A -l all-namespaces -d 'Look in all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s w -l watch -d 'Follow changes after the list; in one cluster only'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l ignore-not-found -d 'Succeed when a named object does not exist'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l show-labels -d 'Display all labels in a last column'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l to -d 'Propagate to these clusters, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l cluster-selector -d 'Propagate to clusters with these labels, also to those that join later' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l divide -d 'Share replicas out: weighted (by room), aggregated (in few clusters) or static m1=2,m2=1 [default: all replicas in every cluster]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l policy-name -d 'Name of the policy [default: name of the object, or of the file when it has several]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -s n -l namespace -d 'Namespace of objects that name none [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l timeout -d 'Wait this long' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server)' -r -f -a "client\t'Nothing is sent'
server\t'The server checks everything and keeps nothing'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -s o -l output -d 'Print the objects (yaml, json) or their names' -r -f -a "yaml\t'YAML'
json\t'JSON'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l all-clusters -d 'Propagate to all clusters, also to those that join later'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l wait -d 'Wait until the objects are healthy in all clusters'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -l force-conflicts -d 'Take over fields that somebody else set'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand propagate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l clusters -d 'File or directory with Clusters, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l cluster -d 'Cluster in short: name=m1,region=eu,zone=a,provider=x,cpu=100,memory=200Gi,pods=500,label.k=v (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -s n -l namespace -d 'Namespace of objects that name none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -s o -l output -d 'Output format' -r -f -a "table\t'Columns for people'
wide\t'More columns'
json\t'One JSON document'
yaml\t'One YAML document'
name\t'CLUSTER/NAMESPACE/KIND/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l manifests -d 'Write what each cluster receives below this directory, as CLUSTER/NAMESPACE/KIND/NAME.yaml' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l diff -d 'Show what moves, compared with the input of this file or directory (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l explain -d 'Say why each cluster was taken or refused'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l force -d 'Replace the directory of --manifests, with all that is in it'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -l strict -d 'Refuse input with warnings, such as fields that a kind does not have'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -s q -l quiet -d 'Print errors only'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-kubeconfig -d 'Path to the kubeconfig of the cluster to join' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-context -d 'Context of that kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-namespace -d 'Namespace of the credentials, in the cluster and in the control plane' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-provider -d 'Provider of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-region -d 'Region of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l cluster-zones -d 'Zones of the cluster, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -l dry-run -d 'Check everything and write nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l cluster-kubeconfig -d 'Path to the kubeconfig of the cluster, to remove the credentials in it' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l cluster-context -d 'Context of that kubeconfig [default: the one called like the cluster]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l cluster-namespace -d 'Namespace of the credentials in the cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l wait -d 'Wait this long for the cluster object to go' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l force -d 'Remove finalizers when the control plane does not let go; objects may stay behind in the cluster'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -l dry-run -d 'Check everything and write nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unjoin" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -s f -l filename -d 'File or directory of customizations, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l operation -d 'Ask this: Retain, InterpretReplica, InterpretComponent, ReviseReplica, InterpretStatus, AggregateStatus, InterpretHealth or InterpretDependency' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l desired-file -d 'File of the object as the control plane has it' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l observed-file -d 'File of the object as a member cluster has it' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l status-file -d 'File of what the clusters report: clusterName and status, one a document or a list' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l desired-replica -d 'Replicas of one cluster, for ReviseReplica' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l test -d 'Run the test cases of a file or directory (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -s R -l recursive -d 'Read the directories below a directory too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l check -d 'Check that the scripts load'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l show-doc -d 'Print what the functions of the rules receive and return, of one rule with --operation'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand completion" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand completion" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -s o -l output -d 'Print as a document' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -l client -d 'Print the version of this program only'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
