
use builtin;
use str;

set edit:completion:arg-completer[karmadactl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'karmadactl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'karmadactl'= {
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand demo 'Show what Karmada does, with three simulated members in this process'
            cand local-up 'Run a control plane with simulated member clusters, joined'
            cand serve 'Serve an embedded control plane in the foreground'
            cand get 'Display objects of the control plane and of member clusters'
            cand propagate 'Apply manifests and propagate them to member clusters'
            cand simulate 'Show where resources would go, without a server'
            cand join 'Register a cluster with the control plane in push mode'
            cand unjoin 'Take a push mode cluster out of the control plane'
            cand interpret 'Check, run and test resource interpreters without a cluster'
            cand completion 'Print a script that completes commands and flags in a shell'
            cand version 'Print the version of this program and of the control plane'
        }
        &'karmadactl;demo'= {
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --keep 'Keep everything running after the demo, for kubectl'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;local-up'= {
            cand --members 'How many simulated members'
            cand --data-dir 'Directory of the data and the kubeconfigs [default: karmada/local-up in the user''s data directory]'
            cand --listen 'Address of the control plane; port 0 takes the port of the last run if it is free, else any'
            cand --durability 'When a write is acknowledged'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --in-memory 'Keep nothing on disk but the kubeconfigs'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;serve'= {
            cand --data-dir 'Directory of the data [default: karmada/serve in the user''s data directory]'
            cand --listen 'Address to listen on; port 0 takes the port of the last run if it is free, else any'
            cand --kubeconfig 'Kubeconfig to write, readable for the user only [default: karmada-apiserver.config in the data directory]'
            cand --durability 'When a write is acknowledged'
            cand --ready-fd 'Open file descriptor (pipe or file) that also gets the line that says it is ready'
            cand --wait 'Do not serve: wait until the server that writes the kubeconfig is ready, for 1m unless =DURATION says otherwise'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --in-memory 'Keep nothing on disk'
            cand --api-only 'Serve a plain Kubernetes API: no Karmada kinds, no controllers'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;get'= {
            cand -C 'Member clusters to ask, separated by commas (can be repeated) [default: all]'
            cand --clusters 'Member clusters to ask, separated by commas (can be repeated) [default: all]'
            cand -s 'Clusters to ask'
            cand --operation-scope 'Clusters to ask'
            cand -l 'Display objects with these labels only'
            cand --labels 'Display objects with these labels only'
            cand -n 'Namespace to look in [default: that of the kubeconfig''s context]'
            cand --namespace 'Namespace to look in [default: that of the kubeconfig''s context]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --request-timeout 'Wait this long for one cluster'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand -A 'Look in all namespaces'
            cand --all-namespaces 'Look in all namespaces'
            cand -w 'Follow changes after the list; in one cluster only'
            cand --watch 'Follow changes after the list; in one cluster only'
            cand --ignore-not-found 'Succeed when a named object does not exist'
            cand --no-headers 'Leave out the headings'
            cand --show-labels 'Display all labels in a last column'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;propagate'= {
            cand -f 'File or directory of manifests, - for stdin (can be repeated)'
            cand --filename 'File or directory of manifests, - for stdin (can be repeated)'
            cand --to 'Propagate to these clusters, separated by commas (can be repeated)'
            cand --cluster-selector 'Propagate to clusters with these labels, also to those that join later'
            cand --divide 'Share replicas out: weighted (by room), aggregated (in few clusters) or static m1=2,m2=1 [default: all replicas in every cluster]'
            cand --policy-name 'Name of the policy [default: name of the object, or of the file when it has several]'
            cand -n 'Namespace of objects that name none [default: that of the kubeconfig''s context]'
            cand --namespace 'Namespace of objects that name none [default: that of the kubeconfig''s context]'
            cand --timeout 'Wait this long'
            cand --dry-run 'Send nothing (client), or have it checked and not kept (server)'
            cand -o 'Print the objects (yaml, json) or their names'
            cand --output 'Print the objects (yaml, json) or their names'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --all-clusters 'Propagate to all clusters, also to those that join later'
            cand --wait 'Wait until the objects are healthy in all clusters'
            cand --force-conflicts 'Take over fields that somebody else set'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;simulate'= {
            cand -f 'File or directory of manifests, - for stdin (can be repeated)'
            cand --filename 'File or directory of manifests, - for stdin (can be repeated)'
            cand --clusters 'File or directory with Clusters, - for stdin (can be repeated)'
            cand --cluster 'Cluster in short: name=m1,region=eu,zone=a,provider=x,cpu=100,memory=200Gi,pods=500,label.k=v (can be repeated)'
            cand -n 'Namespace of objects that name none'
            cand --namespace 'Namespace of objects that name none'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --manifests 'Write what each cluster receives below this directory, as CLUSTER/NAMESPACE/KIND/NAME.yaml'
            cand --diff 'Show what moves, compared with the input of this file or directory (can be repeated)'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --explain 'Say why each cluster was taken or refused'
            cand --force 'Replace the directory of --manifests, with all that is in it'
            cand --strict 'Refuse input with warnings, such as fields that a kind does not have'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;join'= {
            cand --cluster-kubeconfig 'Path to the kubeconfig of the cluster to join'
            cand --cluster-context 'Context of that kubeconfig [default: its current context]'
            cand --cluster-namespace 'Namespace of the credentials, in the cluster and in the control plane'
            cand --cluster-provider 'Provider of the cluster, for policies to choose by'
            cand --cluster-region 'Region of the cluster, for policies to choose by'
            cand --cluster-zones 'Zones of the cluster, separated by commas (can be repeated)'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --dry-run 'Check everything and write nothing'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;unjoin'= {
            cand --cluster-kubeconfig 'Path to the kubeconfig of the cluster, to remove the credentials in it'
            cand --cluster-context 'Context of that kubeconfig [default: the one called like the cluster]'
            cand --cluster-namespace 'Namespace of the credentials in the cluster'
            cand --wait 'Wait this long for the cluster object to go'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --force 'Remove finalizers when the control plane does not let go; objects may stay behind in the cluster'
            cand --dry-run 'Check everything and write nothing'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;interpret'= {
            cand -f 'File or directory of customizations, - for stdin (can be repeated)'
            cand --filename 'File or directory of customizations, - for stdin (can be repeated)'
            cand --operation 'Ask this: Retain, InterpretReplica, InterpretComponent, ReviseReplica, InterpretStatus, AggregateStatus, InterpretHealth or InterpretDependency'
            cand --desired-file 'File of the object as the control plane has it'
            cand --observed-file 'File of the object as a member cluster has it'
            cand --status-file 'File of what the clusters report: clusterName and status, one a document or a list'
            cand --desired-replica 'Replicas of one cluster, for ReviseReplica'
            cand --test 'Run the test cases of a file or directory (can be repeated)'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand -R 'Read the directories below a directory too'
            cand --recursive 'Read the directories below a directory too'
            cand --check 'Check that the scripts load'
            cand --show-doc 'Print what the functions of the rules receive and return, of one rule with --operation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;completion'= {
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'karmadactl;version'= {
            cand -o 'Print as a document'
            cand --output 'Print as a document'
            cand --kubeconfig 'Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]'
            cand --karmada-context 'Context of the kubeconfig to use [default: its current context]'
            cand --log 'Set what is logged to stderr, such as info or karmada_controllers=debug'
            cand --client 'Print the version of this program only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
    ]
    $completions[$command]
}
