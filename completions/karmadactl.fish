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
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "local-down" -d 'Stop what local-up started'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "serve" -d 'Serve an embedded control plane in the foreground'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "controllers" -d 'Run the control loops against any API server'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "init" -d 'Install a control plane in a host cluster'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "backup" -d 'Save all objects of an embedded control plane to one file'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "restore" -d 'Put a backup in the place of all objects of an embedded control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "get" -d 'Display objects of the control plane and of member clusters'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "propagate" -d 'Apply manifests and propagate them to member clusters'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "simulate" -d 'Show where resources would go, without a server'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "join" -d 'Register a cluster with the control plane in push mode'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "unjoin" -d 'Take a push mode cluster out of the control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "interpret" -d 'Check, run and test resource interpreters without a cluster'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "cordon" -d 'Mark a cluster as unschedulable'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "uncordon" -d 'Mark a cluster as schedulable'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "taint" -d 'Change the taints of clusters'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "apply" -d 'Apply files, and propagate what is in them if asked to'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "create" -d 'Create objects from files, or simple ones from flags'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "delete" -d 'Delete objects by file, name or labels'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "patch" -d 'Change fields of objects by a patch'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "label" -d 'Set or remove labels of objects'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "annotate" -d 'Set or remove annotations of objects'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "promote" -d 'Take an object of a member over into the control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "edit" -d 'Edit objects in an editor'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "status" -d 'Show the way of an object from template to every member, and what is stuck'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "options" -d 'Print the flags that every command takes'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "completion" -d 'Print a script that completes commands and flags in a shell'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "version" -d 'Print the version of this program and of the control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "describe" -d 'Describe objects, with what happened to them'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "logs" -d 'Print the logs of containers in a member cluster'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "exec" -d 'Run a command in a container'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "attach" -d 'Attach to a container that runs'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "top" -d 'Display what nodes and pods of member clusters use'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "api-resources" -d 'List the resources that a server has'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "api-versions" -d 'List the API versions that a server has'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "explain" -d 'Describe a kind and its fields'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "deinit" -d 'Remove a control plane from its host cluster'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "certs" -d 'Look at the certificates of a control plane, and replace them'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "controller-manager" -d 'Run the controllers of a control plane, without its scheduler'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "scheduler" -d 'Run the scheduler of a control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "webhook" -d 'Answer the admission and conversion reviews of Karmada\'s kinds'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "aggregated-apiserver" -d 'Serve Clusters, and the way to members, behind an API server'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "token" -d 'Make, list and delete bootstrap tokens'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "register" -d 'Register a cluster with the control plane in pull mode'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "unregister" -d 'Take a pull mode cluster out of the control plane'
complete -c karmadactl -n "__fish_karmadactl_needs_command" -f -a "agent" -d 'Run the agent of a pull mode cluster'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -l keep -d 'Keep everything running after the demo, for kubectl'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l members -d 'How many simulated members: member1, member2, ... [default: those of the last run, else 3]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l member -d 'A simulated member (can be repeated): name=NAME and any of provider, region, zone (can be repeated), nodes, and cpu, memory and pods of each node' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l data-dir -d 'Directory of the data and the kubeconfigs [default: karmada/local-up in the user\'s data directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l listen -d 'Address of the control plane; port 0 takes the port of the last run if it is free, else any' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l durability -d 'When a write is acknowledged' -r -f -a "fsync\t'When it is safe on disk'
async\t'When the operating system has it; a power cut may lose the last writes'
memory\t'At once; nothing is written'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l pods-per-member -d 'Pods that each member makes as objects; a Deployment beyond that becomes ready without' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l in-memory -d 'Keep nothing on disk but the kubeconfigs'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -l detach -d 'Run in the background, and return when it is ready; `karmadactl local-down` stops it'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l data-dir -d 'Data directory that local-up was given [default: karmada/local-up in the user\'s data directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l timeout -d 'How long to wait for its end' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -l purge -d 'Delete the data and the kubeconfigs, too; other files in the directory stay'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand local-down" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l data-dir -d 'Directory of the data [default: karmada/serve in the user\'s data directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l listen -d 'Address to listen on; port 0 takes the port of the last run if it is free, else any' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l tls-san -d 'Further name or address in the server\'s certificate (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l public-url -d 'Where clusters that register themselves find the server, when that is not where it listens' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l kubeconfig -d 'Kubeconfig to write, readable for the user only [default: karmada-apiserver.config in the data directory]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l durability -d 'When a write is acknowledged' -r -f -a "fsync\t'When it is safe on disk'
async\t'When the operating system has it; a power cut may lose the last writes'
memory\t'At once; nothing is written'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l ready-fd -d 'Open file descriptor (pipe or file) that also gets the line that says it is ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l wait -d 'Do not serve: wait until the server that writes the kubeconfig is ready, for 1m unless =DURATION says otherwise' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l event-ttl -d 'How long Events stay after they were written last' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l audit-log-path -d 'File to write a line of JSON to for every request; - is standard output [default: no audit log]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l audit-policy-file -d 'File with a Policy (audit.k8s.io/v1) that says what is written of which requests' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l audit-level -d 'How much is written of every request where there is no policy; never bodies of Secrets and tokens' -r -f -a "metadata\t'Who did what'
request\t'The body of the request, too'
request-response\t'The bodies of request and answer, too'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l audit-log-maxsize -d 'Mebibytes after which a new file is begun; 0 for never' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l audit-log-maxbackup -d 'How many old files stay; 0 for all' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l max-requests-inflight -d 'Reading requests that run at a time; further ones wait, or are asked to come back' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l max-mutating-requests-inflight -d 'Writing requests that run at a time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l request-timeout -d 'Longest time of a request that is no watch' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l min-request-timeout -d 'Shortest time, in seconds, after which the server ends a watch whose client named none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l max-connections -d 'Connections that are open at a time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l http2-max-streams-per-connection -d 'Requests of one HTTP/2 connection at a time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l shutdown-timeout -d 'How long to wait for the requests under way when told to stop' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l metrics-bind-address -d 'Address of /metrics of the controllers; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l controllers -d 'Controllers to run: * for all that are on by default, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-status-update-frequency -d 'Time between two looks at the status of a cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-success-threshold -d 'How long a cluster must be healthy until it is ready again' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-failure-threshold -d 'How long a cluster must be unhealthy until it is no longer ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l enable-cluster-resource-modeling -d 'Sum up the nodes and pods of clusters, for the scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-monitor-period -d 'Time between two looks at the agents of pull mode clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-monitor-grace-period -d 'How long an agent may be silent until its cluster\'s state is unknown' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-startup-grace-period -d 'The same for an agent that was never heard of' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l skipped-propagating-apis -d 'APIs that are never propagated: GROUP, GROUP/VERSION or GROUP/VERSION/KIND,KIND, separated by semicolons' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l skipped-propagating-namespaces -d 'Namespaces that are never propagated, as regular expressions' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l rate-limiter-base-delay -d 'First delay after a failure; it doubles with every further failure of the same object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l rate-limiter-max-delay -d 'Longest delay between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l rate-limiter-qps -d 'Retries of one controller a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l rate-limiter-bucket-size -d 'Retries of one controller at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l kube-api-qps -d 'Calls of the control plane\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l kube-api-burst -d 'Calls of the control plane\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-api-qps -d 'Calls of each member\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l cluster-api-burst -d 'Calls of each member\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-cluster-syncs -d 'Clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-resourcebinding-syncs -d 'Bindings, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-clusterresourcebinding-syncs -d 'Cluster-wide bindings; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-work-syncs -d 'Works of each member' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-namespace-syncs -d 'Namespaces' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-propagation-policy-syncs -d 'Propagation policies, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-cluster-propagation-policy-syncs -d 'Cluster-wide propagation policies; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-resource-template-syncs -d 'Templates' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l concurrent-dependent-resource-syncs -d 'Bindings whose dependencies are looked up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l scheduler-name -d 'Name of the scheduler: bindings that ask for another one are left alone' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l plugins -d 'Plugins of the scheduler: * for all, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l enable-empty-workload-propagation -d 'Propagate workloads also to clusters that got no replica' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l allow-no-execute-taint-policy -d 'Allow ClusterTaintPolicies to add taints that evict' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l in-memory -d 'Keep nothing on disk'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -l api-only -d 'Serve a plain Kubernetes API: no Karmada kinds, no controllers'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l timeout -d 'How long --once waits for objects to become applied and healthy' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l metrics-bind-address -d 'Address of /metrics; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l health-probe-bind-address -d 'Address of /healthz and /readyz; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l leader-elect -d 'Work only while this process holds the leases' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l leader-elect-resource-namespace -d 'Namespace of the leases karmada-controller-manager and karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l leader-elect-lease-duration -d 'How long others wait after the last renewal before they take over' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l leader-elect-renew-deadline -d 'How long the leader tries to renew before it gives up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l leader-elect-retry-period -d 'Time between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l controllers -d 'Controllers to run: * for all that are on by default, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-status-update-frequency -d 'Time between two looks at the status of a cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-success-threshold -d 'How long a cluster must be healthy until it is ready again' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-failure-threshold -d 'How long a cluster must be unhealthy until it is no longer ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l enable-cluster-resource-modeling -d 'Sum up the nodes and pods of clusters, for the scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-monitor-period -d 'Time between two looks at the agents of pull mode clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-monitor-grace-period -d 'How long an agent may be silent until its cluster\'s state is unknown' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-startup-grace-period -d 'The same for an agent that was never heard of' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l skipped-propagating-apis -d 'APIs that are never propagated: GROUP, GROUP/VERSION or GROUP/VERSION/KIND,KIND, separated by semicolons' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l skipped-propagating-namespaces -d 'Namespaces that are never propagated, as regular expressions' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l rate-limiter-base-delay -d 'First delay after a failure; it doubles with every further failure of the same object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l rate-limiter-max-delay -d 'Longest delay between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l rate-limiter-qps -d 'Retries of one controller a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l rate-limiter-bucket-size -d 'Retries of one controller at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l kube-api-qps -d 'Calls of the control plane\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l kube-api-burst -d 'Calls of the control plane\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-api-qps -d 'Calls of each member\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l cluster-api-burst -d 'Calls of each member\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-cluster-syncs -d 'Clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-resourcebinding-syncs -d 'Bindings, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-clusterresourcebinding-syncs -d 'Cluster-wide bindings; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-work-syncs -d 'Works of each member' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-namespace-syncs -d 'Namespaces' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-propagation-policy-syncs -d 'Propagation policies, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-cluster-propagation-policy-syncs -d 'Cluster-wide propagation policies; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-resource-template-syncs -d 'Templates' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l concurrent-dependent-resource-syncs -d 'Bindings whose dependencies are looked up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l scheduler-name -d 'Name of the scheduler: bindings that ask for another one are left alone' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l plugins -d 'Plugins of the scheduler: * for all, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l enable-empty-workload-propagation -d 'Propagate workloads also to clusters that got no replica' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l allow-no-execute-taint-policy -d 'Allow ClusterTaintPolicies to add taints that evict' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -l once -d 'Make one pass: until everything is applied and healthy, or the time is up'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controllers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l dry-run -d 'Say what would be done, without asking the host cluster or after its checks, and do nothing' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -s o -l output -d 'Print the objects and install nothing (with --crds-only: instead of what happened to them)' -r -f -a "yaml\t''
json\t''
name\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l timeout -d 'With --crds-only: how long to wait until the server serves the kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l config -d 'File of the kind KarmadaInitConfig; what it says counts more than flags' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l context -d 'Context of the host cluster\'s kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l profile -d 'How much is installed' -r -f -a "standard\t'Every component once'
ha\t'Two of every component on different nodes, three of etcd'
single\t'One process with the embedded engine, on a volume'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -s n -l namespace -d 'Namespace in the host cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -s p -l port -d 'Port of the nodes by which the API server is reached' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-apiserver-advertise-address -d 'Address or name by which the API server is reached [default: address of a node]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -s d -l karmada-data -d 'Directory that gets the kubeconfig of the control plane [default: /etc/karmada for root, else karmada in the user\'s configuration directory]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-pki -d 'Directory that gets copies of all certificates and keys [default: none is written]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l host-cluster-domain -d 'Domain of Services in the host cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l wait-component-ready-timeout -d 'How long to wait for each component; a bare number is seconds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l crds -d 'Accepted for scripts: Karmada\'s kinds are built in, nothing is downloaded' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l private-image-registry -d 'Registry of all images, instead of those below' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l kube-image-registry -d 'Registry of Kubernetes\' images' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l kube-image-mirror-country -d 'Country whose mirror of Kubernetes\' images is used' -r -f -a "cn\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l kube-image-tag -d 'Version of Kubernetes\' images' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l image-pull-policy -d 'When images are pulled' -r -f -a "IfNotPresent\t''
Always\t''
Never\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l image-pull-secrets -d 'Secrets of the namespace that registries ask for, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l cert-external-ip -d 'Further addresses in the API server\'s certificate, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l cert-external-dns -d 'Further names in the API server\'s certificate, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l cert-validity-period -d 'How long certificates are good, such as 365d or 8760h' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l ca-cert-file -d 'Certificate of an authority to use [default: one is made]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l ca-key-file -d 'Key of that authority, in the form PKCS #8' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-storage-mode -d 'Where the data is kept (also that of --profile=single)' -r -f -a "hostPath\t'A directory of the node'
emptyDir\t'Gone with the pod'
PVC\t'Claimed from a storage class'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-data -d 'Directory of the node, with hostPath' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-pvc-size -d 'Size of each volume, with PVC' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l storage-classes-name -d 'Storage class of the volumes, with PVC [default: that of the host cluster]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-node-selector-labels -d 'Labels of the nodes that have the data: KEY=VALUE, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-replicas -d 'Number of members [default: 1, with --profile=ha 3]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-image -d 'Image [default: etcd:3.6.8-0 of the registry]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l etcd-priority-class -d 'Priority class of the pods' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l external-etcd-servers -d 'URLs of an etcd that is there, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l external-etcd-ca-cert-path -d 'Certificate of that etcd\'s authority' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l external-etcd-client-cert-path -d 'Certificate to show to that etcd' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l external-etcd-client-key-path -d 'Key of that certificate' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l external-etcd-key-prefix -d 'What keys in that etcd begin with' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-apiserver-image -d 'Image of kube-apiserver' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-apiserver-replicas -d 'Number of pods of kube-apiserver [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-apiserver-priority-class -d 'Priority class of kube-apiserver' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-apiserver-extra-args -d 'Further argument of kube-apiserver, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-aggregated-apiserver-image -d 'Image of karmada-aggregated-apiserver' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-aggregated-apiserver-replicas -d 'Number of pods of karmada-aggregated-apiserver [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-aggregated-apiserver-priority-class -d 'Priority class of karmada-aggregated-apiserver' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-aggregated-apiserver-extra-args -d 'Further argument of karmada-aggregated-apiserver, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-kube-controller-manager-image -d 'Image of kube-controller-manager' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-kube-controller-manager-replicas -d 'Number of pods of kube-controller-manager [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-kube-controller-manager-priority-class -d 'Priority class of kube-controller-manager' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-kube-controller-manager-extra-args -d 'Further argument of kube-controller-manager, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-scheduler-image -d 'Image of karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-scheduler-replicas -d 'Number of pods of karmada-scheduler [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-scheduler-priority-class -d 'Priority class of karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-scheduler-extra-args -d 'Further argument of karmada-scheduler, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-controller-manager-image -d 'Image of karmada-controller-manager' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-controller-manager-replicas -d 'Number of pods of karmada-controller-manager [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-controller-manager-priority-class -d 'Priority class of karmada-controller-manager' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-controller-manager-extra-args -d 'Further argument of karmada-controller-manager, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-webhook-image -d 'Image of karmada-webhook' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-webhook-replicas -d 'Number of pods of karmada-webhook [default: 1, with --profile=ha 2]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-webhook-priority-class -d 'Priority class of karmada-webhook' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-webhook-extra-args -d 'Further argument of karmada-webhook, such as --v=4 (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l image -d 'Image of this program, for all components that it is' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l crds-only -d 'Install nothing: prepare the API server of the kubeconfig, for loops that run elsewhere (karmadactl controllers)'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l show-secrets -d 'Print Secrets too, with new keys; they are left out otherwise'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -l keep-on-failure -d 'Leave what was created when the installation fails'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -s o -l output -d 'File to write' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -l data-dir -d 'Save this data directory, which no server may be using, instead of a running control plane' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -l salvage -d 'Save whatever can be read of a damaged data directory, also objects removed a short time ago'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -l data-dir -d 'Restore into this data directory, which no server may be using, instead of a running control plane' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -l replace -d 'Replace the objects that are there; a running control plane always has some'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s s -l operation-scope -d 'Clusters to ask' -r -f -a "karmada\t'The control plane'
members\t'Member clusters'
all\t'The control plane and member clusters'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s l -l labels -d 'Display objects with these labels only' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s n -l namespace -d 'Namespace to look in [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s o -l output -d 'Output format: wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=HEADER:PATH,..., go-template=TEMPLATE, or one of the last three with -file and a path' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l template -d 'Go template, or the path of one, for -o go-template and -o go-template-file' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l allow-missing-template-keys -d 'Leave out what a template asks for and an object does not have' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l sort-by -d 'Order by the value at this path, such as .metadata.creationTimestamp' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s L -l label-columns -d 'Labels to display in columns of their own, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l request-timeout -d 'Wait this long for one cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s A -l all-namespaces -d 'Look in all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -s w -l watch -d 'Follow changes after the list; in one cluster only'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l watch-only -d 'Follow changes without a list first; in one cluster only'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l output-watch-events -d 'Display what happened to a watched object: ADDED, MODIFIED or DELETED'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand get" -l show-kind -d 'Display the type in front of every name'
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
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l edit -d 'Edit the file in $KUBE_EDITOR, $EDITOR or vi until its scripts load'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -l show-doc -d 'Print what the functions of the rules receive and return, of one rule with --operation'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand interpret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand cordon" -l dry-run -d 'Say what would be done, and do nothing' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand cordon" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand cordon" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand cordon" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand cordon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand uncordon" -l dry-run -d 'Say what would be done, and do nothing' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand uncordon" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand uncordon" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand uncordon" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand uncordon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -l overwrite -d 'Change the value of taints that are there' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -l dry-run -d 'Say what would be done, and do nothing' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand taint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l all-clusters -d 'Propagate the objects to all members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s C -l cluster -d 'Propagate the objects to these members, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s l -l selector -d 'Apply objects of the files with these labels only' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s n -l namespace -d 'Namespace of objects that name none [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l server-side -d 'Let the server compare, by the owners of fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l force-conflicts -d 'With --server-side: take over fields that others own' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l field-manager -d 'Name of the owner of the fields [default: kubectl-client-side-apply, with --server-side: kubectl]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l force -d 'Delete and create again what cannot be changed' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l subresource -d 'Part of the object to apply, with --server-side' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s l -l selector -d 'Create objects of the files with these labels only' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s n -l namespace -d 'Namespace of objects that name none [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l save-config -d 'Keep each object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l edit -d 'Edit the objects before they are created' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l raw -d 'POST the file to this path' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "clusterrole" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "clusterrolebinding" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "configmap" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "cm" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "cronjob" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "cj" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "deployment" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "deploy" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "ingress" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "ing" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "job" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "namespace" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "ns" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "poddisruptionbudget" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "pdb" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "priorityclass" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "pc" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "quota" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "resourcequota" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "role" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "rolebinding" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "secret" -d 'Create a Secret'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "service" -d 'Create a Service'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "svc" -d 'Create a Service'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "serviceaccount" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "sa" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and not __fish_seen_subcommand_from clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc serviceaccount sa token" -f -a "token" -d 'Ask for a token of a ServiceAccount'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l verb -d 'What may be done, such as get (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l resource -d 'RESOURCE[.GROUP][/PART] (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l resource-name -d 'Name of an object that it is allowed for (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l non-resource-url -d 'Path that is no resource, such as /healthz (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l aggregation-rule -d 'Take the rules of ClusterRoles with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrole" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l clusterrole -d 'ClusterRole to give' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l user -d 'User (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l group -d 'Group (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l serviceaccount -d 'NAMESPACE:NAME of a ServiceAccount (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from clusterrolebinding" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-literal -d 'KEY=VALUE (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-file -d 'File, KEY=FILE or directory whose files become keys (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l from-env-file -d 'File with lines of KEY=VALUE (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l append-hash -d 'Add a hash of the data to the name' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from configmap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-literal -d 'KEY=VALUE (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-file -d 'File, KEY=FILE or directory whose files become keys (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l from-env-file -d 'File with lines of KEY=VALUE (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l append-hash -d 'Add a hash of the data to the name' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l image -d 'Image to run' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l schedule -d 'When to run, as in crontab' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l restart -d 'When to start a container again: Never or OnFailure' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cronjob" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l image -d 'Image to run' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l schedule -d 'When to run, as in crontab' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l restart -d 'When to start a container again: Never or OnFailure' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from cj" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l image -d 'Image to run (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -s r -l replicas -d 'How many to run' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l port -d 'Port that the container opens' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deployment" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l image -d 'Image to run (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -s r -l replicas -d 'How many to run' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l port -d 'Port that the container opens' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from deploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l rule -d 'HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a path that ends with * stands for all below it (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l class -d 'Class of the Ingress' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l default-backend -d 'Where everything else goes, as SERVICE:PORT' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l annotation -d 'KEY=VALUE (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ingress" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l rule -d 'HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a path that ends with * stands for all below it (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l class -d 'Class of the Ingress' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l default-backend -d 'Where everything else goes, as SERVICE:PORT' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l annotation -d 'KEY=VALUE (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ing" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l image -d 'Image to run' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l from -d 'CronJob to make it from, as cronjob/NAME' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from job" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from namespace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from ns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l selector -d 'Labels of the pods' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l min-available -d 'Number or percentage that must stay available' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l max-unavailable -d 'Number or percentage that may be unavailable' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from poddisruptionbudget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l selector -d 'Labels of the pods' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l min-available -d 'Number or percentage that must stay available' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l max-unavailable -d 'Number or percentage that may be unavailable' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pdb" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l value -d 'The priority' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l global-default -d 'Make it the priority of pods that name none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l description -d 'What it is for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l preemption-policy -d 'Whether it may displace others: PreemptLowerPriority or Never' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from priorityclass" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l value -d 'The priority' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l global-default -d 'Make it the priority of pods that name none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l description -d 'What it is for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l preemption-policy -d 'Whether it may displace others: PreemptLowerPriority or Never' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from pc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l hard -d 'RESOURCE=QUANTITY (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l scopes -d 'What counts, such as BestEffort (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from quota" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l hard -d 'RESOURCE=QUANTITY (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l scopes -d 'What counts, such as BestEffort (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from resourcequota" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l verb -d 'What may be done, such as get (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l resource -d 'RESOURCE[.GROUP][/PART] (can be repeated, or separated by commas)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l resource-name -d 'Name of an object that it is allowed for (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from role" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l role -d 'Role to give' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l clusterrole -d 'ClusterRole to give' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l user -d 'User (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l group -d 'Group (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l serviceaccount -d 'NAMESPACE:NAME of a ServiceAccount (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from rolebinding" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -f -a "generic" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -f -a "tls" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from secret" -f -a "docker-registry" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -f -a "clusterip" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -f -a "nodeport" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -f -a "loadbalancer" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from service" -f -a "externalname" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -f -a "clusterip" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -f -a "nodeport" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -f -a "loadbalancer" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from svc" -f -a "externalname" -d 'An object\'s own flags with those that every object has'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from serviceaccount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from sa" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l audience -d 'Who is to accept the token (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l duration -d 'How long the token is good for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -s n -l namespace -d 'Namespace of the ServiceAccount [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand create; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s l -l selector -d 'Delete objects with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l field-selector -d 'Delete objects with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l all -d 'Delete all objects of the types' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l cascade -d 'What happens to the objects they own' -r -f -a "background\t'They go after it'
foreground\t'They go before it'
orphan\t'They stay'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l grace-period -d 'Seconds to end in; -1 leaves it to the kind' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l force -d 'With --grace-period=0: do not wait for confirmation that it ended' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l now -d 'End at once, as --grace-period=1' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l ignore-not-found -d 'Succeed when an object does not exist [default: true with --all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s i -l interactive -d 'Ask before deleting' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l wait -d 'Wait until the objects are gone' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l timeout -d 'Wait this long; 0 waits as long as it takes' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s o -l output -d 'Print names only (name)' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l raw -d 'Send DELETE to this path' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s A -l all-namespaces -d 'Delete objects of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s p -l patch -d 'The patch' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l patch-file -d 'File with the patch' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l type -d 'How the patch is to be understood' -r -f -a "json\t'A list of operations with paths'
merge\t'Fields to set, null to remove'
strategic\t'As merge, with lists merged by their keys'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l subresource -d 'Part of the object to change, such as status or scale' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l local -d 'Change what the files say and print it, without a server' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand patch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l overwrite -d 'Change values that are there' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l list -d 'Print what is there' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l local -d 'Change what the files say and print it, without a server' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l all -d 'Change all objects of the types' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s l -l selector -d 'Change objects with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l field-selector -d 'Change objects with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l resource-version -d 'Change the object only if this is its version' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l field-manager -d 'Name of the owner of the labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s A -l all-namespaces -d 'Change objects of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand label" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l overwrite -d 'Change values that are there' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l list -d 'Print what is there' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l local -d 'Change what the files say and print it, without a server' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l all -d 'Change all objects of the types' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s l -l selector -d 'Change objects with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l field-selector -d 'Change objects with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l resource-version -d 'Change the object only if this is its version' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l dry-run -d 'Send nothing (client), or have it checked and not kept (server); none makes the change' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s o -l output -d 'Print the object (yaml, json) or its name instead of a line about it' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'TYPE/NAME, one a line'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l show-managed-fields -d 'Keep the owners of fields in printed objects' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l field-manager -d 'Name of the owner of the annotations' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s A -l all-namespaces -d 'Change objects of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand annotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -s C -l cluster -d 'Name of the member' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l auto-create-policy -d 'Make a policy' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l policy-name -d 'Name of the policy [default: made from the object\'s name]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -s d -l dependencies -d 'Promote what the object needs, too' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l cluster-kubeconfig -d 'Kubeconfig of the member [default: the credentials it was joined with]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l cluster-context -d 'Context of the member\'s kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l dry-run -d 'Read and check, create nothing' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -s o -l output -d 'Print what would be created, and create nothing' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l subresource -d 'Part of the object to edit, such as status' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s o -l output -d 'Language of the file' -r -f -a "yaml\t'YAML'
json\t'JSON'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l output-patch -d 'Print the patch that is sent' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l save-config -d 'Keep the object in an annotation of itself, for apply' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l show-managed-fields -d 'Show the owners of fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l validate -d 'What to do about unknown fields: strict, warn or ignore' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l field-manager -d 'Name of the owner of the fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -s n -l namespace -d 'Namespace of the object [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -s o -l output -d 'Print as a document' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand options" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand options" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand options" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand options" -s h -l help -d 'Print help'
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
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s f -l filename -d 'File or directory of manifests, - for stdin (can be repeated)' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s k -l kustomize -d 'Not supported: kustomize the directory first' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s C -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s l -l selector -d 'Objects with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -l show-events -d 'Describe what happened, too' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -l chunk-size -d 'Accepted for compatibility: large lists are always read in pieces' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s R -l recursive -d 'Read directories below the directories, too'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s A -l all-namespaces -d 'Objects of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s C -l cluster -d 'Member cluster that the pod is in' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s n -l namespace -d 'Namespace of the pod [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s c -l container -d 'Container of the pod' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s l -l selector -d 'Print the logs of the pods with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l since -d 'Print what was logged this long ago or later, such as 5s, 2m or 3h' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l since-time -d 'Print what was logged at this time or later (RFC 3339)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l tail -d 'Print this many of the last lines; -1 are all [default: -1, with a selector 10]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l limit-bytes -d 'Print at most this many bytes; 0 are all' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l max-log-requests -d 'Follow at most this many containers at a time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l pod-running-timeout -d 'Accepted for compatibility: pods are not waited for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l all-containers -d 'Print the logs of all containers'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l all-pods -d 'Print the logs of all pods of TYPE/NAME'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s f -l follow -d 'Go on as more is logged'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s p -l previous -d 'Print the logs of the container\'s last run'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l timestamps -d 'Begin every line with its time'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l prefix -d 'Begin every line with its pod and container'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l ignore-errors -d 'Go on with the other containers when one fails'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -l insecure-skip-tls-verify-backend -d 'Accept whatever certificate the node shows'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s c -l container -d 'Container of the pod' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s n -l namespace -d 'Namespace of the pod [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -l pod-running-timeout -d 'Accepted for compatibility: pods are not waited for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s f -l filename -d 'File that names the pod or what has it' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s i -l stdin -d 'Pass stdin on'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s t -l tty -d 'Stdin is a terminal'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s q -l quiet -d 'Only print what the container prints'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s c -l container -d 'Container of the pod' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s n -l namespace -d 'Namespace of the pod [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -l pod-running-timeout -d 'Accepted for compatibility: pods are not waited for' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s i -l stdin -d 'Pass stdin on'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s t -l tty -d 'Stdin is a terminal'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s q -l quiet -d 'Only print what the container prints'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand attach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "pod" -d 'Display what pods use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "pods" -d 'Display what pods use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "po" -d 'Display what pods use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "node" -d 'Display what nodes use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "nodes" -d 'Display what nodes use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and not __fish_seen_subcommand_from pod pods po node nodes no" -f -a "no" -d 'Display what nodes use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -s l -l selector -d 'Pods with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l field-selector -d 'Pods with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -s n -l namespace -d 'Namespace of the pods [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -s A -l all-namespaces -d 'Pods of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l containers -d 'Display every container'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l sum -d 'Display the sum'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pod" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -s l -l selector -d 'Pods with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l field-selector -d 'Pods with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -s n -l namespace -d 'Namespace of the pods [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -s A -l all-namespaces -d 'Pods of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l containers -d 'Display every container'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l sum -d 'Display the sum'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from pods" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -s l -l selector -d 'Pods with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l field-selector -d 'Pods with these fields' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -s n -l namespace -d 'Namespace of the pods [default: that of the kubeconfig\'s context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -s A -l all-namespaces -d 'Pods of all namespaces'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l containers -d 'Display every container'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l sum -d 'Display the sum'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from po" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -s l -l selector -d 'Nodes with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l show-capacity -d 'Compare with what nodes have instead of with what pods may use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from node" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -s l -l selector -d 'Nodes with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l show-capacity -d 'Compare with what nodes have instead of with what pods may use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from nodes" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -s C -l clusters -d 'Member clusters to ask, separated by commas (can be repeated) [default: all]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -s l -l selector -d 'Nodes with these labels' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l sort-by -d 'Order, the most first' -r -f -a "cpu\t'CPU'
memory\t'Memory'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l use-protocol-buffers -d 'Accepted for compatibility: answers are JSON' -r -f -a "true\t''
false\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l show-capacity -d 'Compare with what nodes have instead of with what pods may use'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand top; and __fish_seen_subcommand_from no" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l api-group -d 'Only those of this API group; of the core group when empty' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l categories -d 'Only those of these categories, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l namespaced -d 'Only those that have namespaces, or (false) only those that have none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l verbs -d 'Only those that know these verbs, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l sort-by -d 'Order' -r -f -a "name\t'Name'
kind\t'Kind'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -s o -l output -d 'More columns, or only names' -r -f -a "wide\t'Verbs and categories, too'
name\t'Only names'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l no-headers -d 'Leave out the headings'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l cached -d 'Accepted for compatibility: nothing is cached'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -l show-managed-fields -d 'Accepted for compatibility: no objects are printed'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-resources" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand api-versions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -s s -l operation-scope -d 'Where to look' -r -f -a "karmada\t'The control plane'
members\t'A member cluster'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -l cluster -d 'Member cluster to look into, with --operation-scope members' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -l api-version -d 'GROUP/VERSION of the kind [default: the one that the server prefers]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -s R -l recursive -d 'List the fields of fields, too, without what they mean' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -s o -l output -d 'Form of the text' -r -f -a "plaintext\t'Plain text'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -s n -l namespace -d 'Accepted for compatibility: kinds are the same in all namespaces' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -s n -l namespace -d 'Namespace of the control plane in the host cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l context -d 'Context of the host cluster\'s kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l timeout -d 'How long the namespace may take to go' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -s f -l force -d 'Do not ask'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l purge-namespace -d 'Remove the namespace with everything that is in it'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -l dry-run -d 'Say what would be removed, and remove nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand deinit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -f -a "check" -d 'Say when the certificates end'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and not __fish_seen_subcommand_from check renew" -f -a "renew" -d 'Replace all certificates below the authorities, and the pods that use them'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -s n -l namespace -d 'Namespace of the control plane in the host cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -l context -d 'Context of the host cluster\'s kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -l within -d 'Exit with code 1 when one ends within this time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -s n -l namespace -d 'Namespace of the control plane in the host cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l context -d 'Context of the host cluster\'s kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l cert-validity-period -d 'How long the new ones are good, such as 365d or 8760h' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -s d -l karmada-data -d 'Directory of the kubeconfig of the control plane, which gets its new certificate when it is there [default: that of karmadactl init]' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l wait-component-ready-timeout -d 'How long to wait for each component' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -l dry-run -d 'Say what would be replaced, and replace nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand certs; and __fish_seen_subcommand_from renew" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l metrics-bind-address -d 'Address of /metrics; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l health-probe-bind-address -d 'Address of /healthz and /readyz; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l leader-elect -d 'Work only while this process holds the leases' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l leader-elect-resource-namespace -d 'Namespace of the leases karmada-controller-manager and karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l leader-elect-lease-duration -d 'How long others wait after the last renewal before they take over' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l leader-elect-renew-deadline -d 'How long the leader tries to renew before it gives up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l leader-elect-retry-period -d 'Time between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l controllers -d 'Controllers to run: * for all that are on by default, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-status-update-frequency -d 'Time between two looks at the status of a cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-success-threshold -d 'How long a cluster must be healthy until it is ready again' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-failure-threshold -d 'How long a cluster must be unhealthy until it is no longer ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l enable-cluster-resource-modeling -d 'Sum up the nodes and pods of clusters, for the scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-monitor-period -d 'Time between two looks at the agents of pull mode clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-monitor-grace-period -d 'How long an agent may be silent until its cluster\'s state is unknown' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-startup-grace-period -d 'The same for an agent that was never heard of' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l skipped-propagating-apis -d 'APIs that are never propagated: GROUP, GROUP/VERSION or GROUP/VERSION/KIND,KIND, separated by semicolons' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l skipped-propagating-namespaces -d 'Namespaces that are never propagated, as regular expressions' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l rate-limiter-base-delay -d 'First delay after a failure; it doubles with every further failure of the same object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l rate-limiter-max-delay -d 'Longest delay between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l rate-limiter-qps -d 'Retries of one controller a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l rate-limiter-bucket-size -d 'Retries of one controller at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l kube-api-qps -d 'Calls of the control plane\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l kube-api-burst -d 'Calls of the control plane\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-api-qps -d 'Calls of each member\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-api-burst -d 'Calls of each member\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-cluster-syncs -d 'Clusters' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-resourcebinding-syncs -d 'Bindings, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-clusterresourcebinding-syncs -d 'Cluster-wide bindings; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-work-syncs -d 'Works of each member' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-namespace-syncs -d 'Namespaces' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-propagation-policy-syncs -d 'Propagation policies, of both kinds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-cluster-propagation-policy-syncs -d 'Cluster-wide propagation policies; they share the workers of the others: the larger number holds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-resource-template-syncs -d 'Templates' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l concurrent-dependent-resource-syncs -d 'Bindings whose dependencies are looked up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-api-context -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-api-kubeconfig -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l cluster-cache-sync-timeout -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l enable-no-execute-taint-eviction -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l enable-taint-manager -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l federated-resource-quota-sync-period -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l graceful-eviction-timeout -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-cpu-initialization-period -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-downscale-delay -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-downscale-stabilization -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-initial-readiness-delay -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-sync-period -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-tolerance -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l horizontal-pod-autoscaler-upscale-delay -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l no-execute-taint-eviction-purge-mode -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l resource-eviction-rate -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l resync-period -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l enable-pprof -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l profiling-bind-address -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l vmodule -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-flush-frequency -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-json-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-json-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-text-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-text-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l add-dir-header -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l alsologtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-backtrace-at -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-dir -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log-file-max-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l logtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l one-output -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l skip-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l skip-log-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l stderrthreshold -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand controller-manager" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l metrics-bind-address -d 'Address of /metrics; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l health-probe-bind-address -d 'Address of /healthz and /readyz; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-name -d 'Name of the scheduler: bindings that ask for another one are left alone' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l plugins -d 'Plugins of the scheduler: * for all, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l enable-empty-workload-propagation -d 'Propagate workloads also to clusters that got no replica' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l rate-limiter-base-delay -d 'First delay after a failure; it doubles with every further failure of the same object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l rate-limiter-max-delay -d 'Longest delay between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l rate-limiter-qps -d 'Retries of one controller a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l rate-limiter-bucket-size -d 'Retries of one controller at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l kube-api-qps -d 'Calls of the control plane\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l kube-api-burst -d 'Calls of the control plane\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect -d 'Work only while this process holds the leases' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect-resource-namespace -d 'Namespace of the leases karmada-controller-manager and karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect-lease-duration -d 'How long others wait after the last renewal before they take over' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect-renew-deadline -d 'How long the leader tries to renew before it gives up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect-retry-period -d 'Time between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l leader-elect-resource-name -d 'Name of the lease' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l disable-scheduler-estimator-in-pull-mode -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l enable-scheduler-estimator -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l insecure-skip-estimator-verify -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-ca-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-cert-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-key-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-port -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-service-namespace -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-service-prefix -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l scheduler-estimator-timeout -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l enable-pprof -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l profiling-bind-address -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l vmodule -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-flush-frequency -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-json-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-json-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-text-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-text-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l add-dir-header -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l alsologtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-backtrace-at -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-dir -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log-file-max-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l logtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l one-output -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l skip-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l skip-log-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l stderrthreshold -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand scheduler" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l bind-address -d 'Address to listen on' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l secure-port -d 'Port to listen on; 0 for any that is free' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l cert-dir -d 'Directory of the certificate and its key' -r -f -a "(__fish_complete_directories)"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l tls-cert-file-name -d 'File of the certificate, in that directory' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l tls-private-key-file-name -d 'File of the certificate\'s key, in that directory' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l tls-min-version -d 'Lowest version of TLS that is spoken: 1.2 or 1.3' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l metrics-bind-address -d 'Address of /metrics; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l health-probe-bind-address -d 'Address of /healthz and /readyz; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l allow-no-execute-taint-policy -d 'Allow ClusterTaintPolicies to add taints that evict' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l kube-api-burst -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l kube-api-qps -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l enable-pprof -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l profiling-bind-address -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l vmodule -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-flush-frequency -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-json-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-json-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-text-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-text-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l add-dir-header -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l alsologtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-backtrace-at -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-dir -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log-file-max-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l logtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l one-output -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l skip-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l skip-log-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l stderrthreshold -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand webhook" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l bind-address -d 'Address to listen on' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l secure-port -d 'Port to listen on; 0 for any that is free' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l tls-cert-file -d 'File of the certificate that is shown, followed by those between it and its authority' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l tls-private-key-file -d 'File of the certificate\'s key' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l tls-min-version -d 'Lowest version of TLS that is spoken: VersionTLS12 or VersionTLS13' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l client-ca-file -d 'File with the authorities of clients\' certificates' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l requestheader-client-ca-file -d 'File with the authorities of the certificate that the API server shows as a proxy' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l requestheader-allowed-names -d 'Names that the proxy\'s certificate may have' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l requestheader-username-headers -d 'Headers with the name of the caller' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l requestheader-group-headers -d 'Headers with the groups of the caller' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l requestheader-extra-headers-prefix -d 'Beginnings of headers with what else is known of the caller' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-log-format -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-log-maxage -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-log-maxbackup -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-log-maxsize -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-log-path -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l audit-policy-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authentication-kubeconfig -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authentication-skip-lookup -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authentication-token-webhook-cache-ttl -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authentication-tolerate-lookup-failure -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authorization-always-allow-paths -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authorization-kubeconfig -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authorization-webhook-cache-authorized-ttl -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l authorization-webhook-cache-unauthorized-ttl -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l cert-dir -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l contention-profiling -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l default-watch-cache-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l delete-collection-workers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l enable-garbage-collector -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l enable-priority-and-fairness -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-cafile -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-certfile -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-compaction-interval -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-count-metric-poll-period -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-db-metric-poll-interval -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-healthcheck-timeout -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-keyfile -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-prefix -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-readycheck-timeout -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-servers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l etcd-servers-overrides -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l http2-max-streams-per-connection -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l kube-api-burst -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l kube-api-qps -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l lease-reuse-duration-seconds -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l permit-address-sharing -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l permit-port-sharing -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l profiling -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l storage-backend -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l storage-media-type -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l tls-cipher-suites -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l watch-cache -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l watch-cache-sizes -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l enable-pprof -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l profiling-bind-address -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l vmodule -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-flush-frequency -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-json-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-json-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-text-info-buffer-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-text-split-stream -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l add-dir-header -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l alsologtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-backtrace-at -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-dir -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-file -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log-file-max-size -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l logtostderr -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l one-output -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l skip-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l skip-log-headers -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l stderrthreshold -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand aggregated-apiserver" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -f -a "create" -d 'Make a token'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -f -a "list" -d 'List the tokens'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and not __fish_seen_subcommand_from create list delete" -f -a "delete" -d 'Delete tokens'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l description -d 'What the token is for, for people' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l groups -d 'Groups that the token acts for (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l ttl -d 'How long the token is good; 0 is for ever' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l usages -d 'What the token may be used for (can be repeated)' -r -f -a "signing\t'To prove that the control plane is the right one'
authentication\t'To act in the control plane'"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -l print-register-command -d 'Print the whole command that registers a cluster with the token'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from list" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from list" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from delete" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from delete" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from delete" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand token; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l token -d 'Bootstrap token of the control plane (karmadactl token create)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l discovery-token-ca-cert-hash -d 'Pin of the control plane\'s certificate authority: sha256:HEX (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l discovery-timeout -d 'How long to look for the control plane' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l context -d 'Context of the kubeconfig of the cluster to register [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cluster-name -d 'Name of the cluster in the control plane [default: that in the kubeconfig]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cluster-namespace -d 'Namespace of the credentials, in the cluster and in the control plane' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cluster-provider -d 'Provider of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cluster-region -d 'Region of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cluster-zones -d 'Zones of the cluster, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l karmada-agent-image -d 'Image of the agent' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l karmada-agent-replicas -d 'Replicas of the agent; one of them works' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l cert-expiration-seconds -d 'How long the agent\'s certificate is good, in seconds' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l proxy-server-address -d 'Proxy by which the control plane reaches the cluster, such as http://10.0.0.1:8080' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -s n -l namespace -d 'Namespace of the agent' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l timeout -d 'How long the agent may take to start' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l discovery-token-unsafe-skip-ca-verification -d 'Believe whoever knows the token'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l enable-cert-rotation -d 'Let the agent renew its certificate before it ends'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -l dry-run -d 'Check everything and write nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l cluster-kubeconfig -d 'Path to the kubeconfig of the cluster' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l cluster-context -d 'Context of that kubeconfig [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l cluster-namespace -d 'Namespace of the credentials in the cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l karmada-config -d 'Path to the kubeconfig of the control plane [default: that of the agent]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -s n -l namespace -d 'Namespace of the agent' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l wait -d 'Wait this long for the cluster object to go' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -l dry-run -d 'Check everything and write nothing'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand unregister" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l karmada-kubeconfig -d 'Path to the kubeconfig of the control plane' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-name -d 'Name of the cluster in the control plane' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-namespace -d 'Namespace of the credentials in the control plane and in the cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-api-endpoint -d 'Address of the cluster\'s API server, for the control plane [default: that in the kubeconfig]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l proxy-server-address -d 'Proxy by which the control plane reaches the cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-provider -d 'Provider of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-region -d 'Region of the cluster, for policies to choose by' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-zones -d 'Zones of the cluster, separated by commas (can be repeated)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l report-secrets -d 'Credentials of the cluster that the control plane gets: KubeCredentials, KubeImpersonator, or None' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l feature-gates -d 'Features to switch on or off, such as Failover=true,AllAlpha=false' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l controllers -d 'Controllers to run: * for all that are on by default, NAME for one, -NAME for not that one' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-status-update-frequency -d 'Time between two looks at the status of a cluster' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-success-threshold -d 'How long a cluster must be healthy until it is ready again' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-failure-threshold -d 'How long a cluster must be unhealthy until it is no longer ready' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l enable-cluster-resource-modeling -d 'Sum up the nodes and pods of clusters, for the scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-lease-duration -d 'How long a sign of life of the agent is good' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-lease-renew-interval-fraction -d 'Part of that time between two signs of life' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-cache-sync-timeout -d 'How long the first look at the control plane may take' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l concurrent-work-syncs -d 'Works in work at a time' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cert-rotation-checking-interval -d 'Time between two looks at the certificate (with --controllers=*,certRotation)' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cert-rotation-remaining-time-threshold -d 'Part of its lifetime that is left when the certificate is renewed' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l karmada-kubeconfig-namespace -d 'Namespace of the Secret karmada-kubeconfig in the cluster, where a renewed certificate is kept' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l metrics-bind-address -d 'Address of /metrics; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l health-probe-bind-address -d 'Address of /healthz and /readyz; 0 for none' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l leader-elect -d 'Work only while this process holds the leases' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l leader-elect-resource-namespace -d 'Namespace of the leases karmada-controller-manager and karmada-scheduler' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l leader-elect-lease-duration -d 'How long others wait after the last renewal before they take over' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l leader-elect-renew-deadline -d 'How long the leader tries to renew before it gives up' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l leader-elect-retry-period -d 'Time between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l logging-format -d 'How lines look' -r -f -a "text\t''
json\t''"
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -s v -l v -d 'How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l rate-limiter-base-delay -d 'First delay after a failure; it doubles with every further failure of the same object' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l rate-limiter-max-delay -d 'Longest delay between two tries' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l rate-limiter-qps -d 'Retries of one controller a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l rate-limiter-bucket-size -d 'Retries of one controller at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l kube-api-qps -d 'Calls of the control plane\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l kube-api-burst -d 'Calls of the control plane\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-api-qps -d 'Calls of each member\'s API server a second [default: no limit]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l cluster-api-burst -d 'Calls of each member\'s API server at once after a pause' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l kubeconfig -d 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l karmada-context -d 'Context of the kubeconfig to use [default: its current context]' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -l log -d 'Set what is logged to stderr, such as info or karmada_controllers=debug' -r
complete -c karmadactl -n "__fish_karmadactl_using_subcommand agent" -s h -l help -d 'Print help (see more with \'--help\')'
