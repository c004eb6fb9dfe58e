//! The commands that write, as programs against a control plane with simulated members.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use indoc::indoc;
use karmadactl::embedded::{CONTROL_PLANE_KUBECONFIG, LocalUp};
use karmadactl::raw;
use serde_json::{Value, json};

use crate::commands::start;

/// A directory with files, and the control plane whose kubeconfig is in it.
struct Place {
    directory: tempfile::TempDir,
    up: LocalUp,
}

type Said = (i32, String, String);

impl Place {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let up = start(directory.path()).await;
        Self { directory, up }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "", &self.path(CONTROL_PLANE_KUBECONFIG)).await
    }

    /// Runs the program and returns exit code, stdout and stderr, its directory taken out of them.
    async fn run_with(&self, arguments: &[&str], editor: &str, kubeconfig: &Path) -> Said {
        let directory = self.directory.path().to_owned();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (editor, kubeconfig) = (editor.to_owned(), kubeconfig.to_owned());
        tokio::task::spawn_blocking(move || {
            let output = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
                .args(arguments)
                .env("KUBECONFIG", kubeconfig)
                .env("HOME", &directory)
                .env("TMPDIR", &directory)
                .env("KUBE_EDITOR", editor)
                .current_dir(&directory)
                .output()
                .unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
        })
        .await
        .unwrap()
    }

    /// Runs a command that succeeds and returns its stdout.
    async fn ok(&self, line: &str) -> String {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (code, stdout, stderr) = self.run(&arguments).await;
        assert_eq!(code, 0, "{line}: {stderr}");
        stdout
    }

    /// Runs a command that fails with 1 and returns its stderr.
    async fn fails(&self, line: &str) -> String {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (code, stdout, stderr) = self.run(&arguments).await;
        assert_eq!((code, stdout.as_str()), (1, ""), "{line}: {stderr}");
        stderr
    }

    async fn read(&self, path: &str) -> Option<Value> {
        raw::read(&self.up.control_plane.server().client(), path).await.unwrap()
    }
}

const CONFIG: &str = "/api/v1/namespaces/default/configmaps/a";

#[tokio::test(flavor = "multi_thread")]
async fn apply_changes_what_the_file_says_and_leaves_the_rest() {
    let place = Place::start().await;
    let file = |data: &str| {
        place.write(
            "a.yaml",
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {data}\n"),
        );
    };
    file("{x: '1', y: '1'}");
    assert_eq!(place.ok("apply -f a.yaml --dry-run=client").await, "configmap/a created (dry run)\n");
    assert_eq!(place.ok("apply -f a.yaml --dry-run=server").await, "configmap/a created (server dry run)\n");
    assert_eq!(place.read(CONFIG).await, None);
    assert_eq!(place.ok("apply -f a.yaml").await, "configmap/a created\n");
    assert_eq!(place.ok("apply -f a.yaml").await, "configmap/a unchanged\n");

    assert_eq!(place.ok("patch cm a -p {\"data\":{\"z\":\"other\"}}").await, "configmap/a patched\n");
    file("{x: '2'}");
    assert_eq!(place.ok("apply -f a.yaml -o name").await, "configmap/a\n");
    assert_eq!(place.read(CONFIG).await.unwrap()["data"], json!({"x": "2", "z": "other"}));

    // An object that nobody applied before.
    place.ok("create configmap b --from-literal=k=v").await;
    place.write("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {n: '1'}\n");
    let (code, stdout, stderr) = place.run(&["apply", "-f", "b.yaml"]).await;
    assert_eq!((code, stdout.as_str()), (0, "configmap/b configured\n"));
    assert!(stderr.starts_with("Warning: configmaps/b was not made by apply"), "{stderr}");

    // The server compares: the same value is no conflict, another one is.
    assert_eq!(place.ok("apply -f a.yaml --server-side").await, "configmap/a serverside-applied\n");
    file("{x: '3'}");
    let error = place.fails("apply -f a.yaml --server-side --field-manager=other").await;
    assert!(error.contains(".data.x") && error.contains("hint: --force-conflicts"), "{error}");
    let line = "apply -f a.yaml --server-side --field-manager=other --force-conflicts";
    assert_eq!(place.ok(line).await, "configmap/a serverside-applied\n");
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_with_clusters_adds_a_policy_for_each_object() {
    let place = Place::start().await;
    place.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n");
    let stdout = place.ok("apply -f a.yaml -C member1,member2").await;
    let policy = stdout.lines().nth(1).unwrap().strip_suffix(" created").unwrap();
    let name = policy.strip_prefix("propagationpolicy.policy.karmada.io/").unwrap();
    assert!(stdout.starts_with("configmap/a created\n") && name.starts_with("a-"), "{stdout}");
    let path = format!("/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies/{name}");
    let affinity = |policy: Value| policy["spec"]["placement"]["clusterAffinity"].clone();
    assert_eq!(affinity(place.read(&path).await.unwrap()), json!({"clusterNames": ["member1", "member2"]}));
    let stdout = place.ok("apply -f a.yaml --all-clusters").await;
    assert_eq!(stdout, format!("configmap/a unchanged\n{policy} configured\n"));
    assert_eq!(affinity(place.read(&path).await.unwrap()), json!({}));
    assert_eq!(
        place.fails("apply -f a.yaml -C member9").await,
        "error: cluster member9 does not exist\nhint: registered clusters: member1, member2, member3\n"
    );
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_in_kubectls_words() {
    let place = Place::start().await;
    place.write("foo.yaml", "apiVersion: example.io/v1\nkind: Foo\nmetadata: {name: f}\n");
    place.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n");
    place.write("typo.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndatta: {x: '1'}\n");
    place.ok("create -f a.yaml").await;
    for (line, expected) in [
        ("delete nosuch x", "error: the server doesn't have a resource type \"nosuch\"\n"),
        ("label cm", "error: at least one label update is required\n"),
        ("label cm x=y", "error: resource(s) were provided, but no name was specified\n"),
        ("annotate cm a", "error: at least one annotation update is required\n"),
        ("patch cm a", "error: must specify --patch or --patch-file containing the contents of the patch\n"),
        ("patch cm a -p {", "error: unable to parse \"{\": "),
        ("delete cm none", "Error from server (NotFound): configmaps \"none\" not found\n"),
        ("delete cm a --all", "error: setting 'all' parameter but found a non empty selector. \n"),
        ("delete cm", "error: resource(s) were provided, but no name was specified\n"),
        (
            "create -f foo.yaml",
            "error: resource mapping not found for name: \"f\" namespace: \"default\" from \"foo.yaml\": no matches for kind \
             \"Foo\" in version \"example.io/v1\"\nensure CRDs are installed first\n",
        ),
        (
            "create -f a.yaml",
            "Error from server (AlreadyExists): error when creating \"a.yaml\": configmaps \"a\" already exists\n",
        ),
        ("create -f typo.yaml", "Error from server (BadRequest): error when creating \"typo.yaml\": "),
        ("create cm a", "error: failed to create configmap: configmaps \"a\" already exists\n"),
        ("create -f none.yaml", "error: the path \"none.yaml\" does not exist\n"),
        ("apply -k .", "error: kustomizations are not built by this program (-k .)\n"),
        (
            "apply -f a.yaml -n other",
            "Error from server (NotFound): error when creating \"a.yaml\": namespaces \"other\" not found\n",
        ),
        ("cordon nope", "Error from server (NotFound): clusters.cluster.karmada.io \"nope\" not found\n"),
        ("edit cm none", "Error from server (NotFound): configmaps \"none\" not found\n"),
        ("status nothing", "error: nothing called \"nothing\" is propagated in namespace default\n"),
        ("status deploy/none", "error: deployments.apps \"none\" not found\n"),
    ] {
        let error = place.fails(line).await;
        assert!(error.starts_with(expected), "{line}: {error}");
    }
    // One that fails does not keep the others from being done.
    let (code, stdout, stderr) = place.run(&["delete", "cm", "none", "a"]).await;
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            1,
            "configmap \"a\" deleted from default namespace\n",
            "Error from server (NotFound): configmaps \"none\" not found\n"
        )
    );
    assert_eq!(place.ok("delete cm none --ignore-not-found").await, "");

    // Nobody answers.
    place.write(
        "gone.config",
        indoc! {"
            apiVersion: v1
            kind: Config
            current-context: gone
            clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]
            contexts: [{name: gone, context: {cluster: gone, user: gone}}]
            users: [{name: gone, user: {}}]
        "},
    );
    for line in
        ["apply -f a.yaml", "delete cm a", "cordon member1", "label cm a x=y", "status a", "edit cm a"]
    {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (code, _, stderr) = place.run_with(&arguments, "", &place.path("gone.config")).await;
        let expected = "error: the control plane at https://127.0.0.1:1 does not answer\n";
        assert!(code == 1 && stderr.starts_with(expected), "{line}: {stderr}");
    }
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_is_told_so() {
    let place = Place::start().await;
    place.ok("create serviceaccount reader").await;
    let token = place.ok("create token reader").await;
    let admin = std::fs::read_to_string(place.path(CONTROL_PLANE_KUBECONFIG)).unwrap();
    let mut kubeconfig: Value = serde_saphyr::from_str(&admin).unwrap();
    kubeconfig["users"][0]["user"] = json!({"token": token.trim()});
    place.write("reader.config", &kubeconfig.to_string());
    let (code, stdout, stderr) =
        place.run_with(&["create", "cm", "x", "--from-literal=a=b"], "", &place.path("reader.config")).await;
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr
            .contains("User \"system:serviceaccount:default:reader\" cannot create resource \"configmaps\""),
        "{stderr}"
    );
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_from_flags() {
    let place = Place::start().await;
    let made = place.ok("create deployment app --image=nginx:1 --replicas=2 --dry-run=client -o yaml").await;
    insta::assert_snapshot!(made, @r"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      labels:
        app: app
      name: app
    spec:
      replicas: 2
      selector:
        matchLabels:
          app: app
      strategy: {}
      template:
        metadata:
          labels:
            app: app
        spec:
          containers:
          - image: nginx:1
            name: nginx
            resources: {}
    status: {}
    ");
    place.write("crt", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    place.write("key", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
    for (line, expected) in [
        ("create deployment app --image=nginx:1", "deployment.apps/app created\n"),
        ("create ns team", "namespace/team created\n"),
        ("create secret generic s --from-literal=a=b -n team", "secret/s created\n"),
        ("create secret docker-registry r --docker-username=u --docker-password=p", "secret/r created\n"),
        ("create secret tls t --cert=crt --key=key --dry-run=client", "secret/t created (dry run)\n"),
        ("create service clusterip web --tcp=80:8080", "service/web created\n"),
        ("create service nodeport np --tcp=80", "service/np created\n"),
        ("create service externalname ext --external-name=a.example", "service/ext created\n"),
        ("create job once --image=busybox -- true", "job.batch/once created\n"),
        (
            "create cronjob often --image=busybox --schedule=*/5&*&*&*&* -- true",
            "cronjob.batch/often created\n",
        ),
        ("create job now --from=cronjob/often", "job.batch/now created\n"),
        ("create quota q --hard=cpu=1,pods=2", "resourcequota/q created\n"),
        ("create pdb p --selector=app=web --min-available=1", "poddisruptionbudget.policy/p created\n"),
        ("create priorityclass high --value=1000", "priorityclass.scheduling.k8s.io/high created\n"),
        (
            "create role r --verb=get,list --resource=pods,deployments.apps",
            "role.rbac.authorization.k8s.io/r created\n",
        ),
        (
            "create clusterrole cr --verb=get --resource=nodes",
            "clusterrole.rbac.authorization.k8s.io/cr created\n",
        ),
        ("create rolebinding rb --role=r --user=u", "rolebinding.rbac.authorization.k8s.io/rb created\n"),
        (
            "create clusterrolebinding crb --clusterrole=cr --serviceaccount=team:x",
            "clusterrolebinding.rbac.authorization.k8s.io/crb created\n",
        ),
        ("create ingress i --rule=a.example/*=web:80", "ingress.networking.k8s.io/i created\n"),
    ] {
        let arguments: Vec<String> = line.split(' ').map(|word| word.replace('&', " ")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = place.run(&arguments).await;
        assert_eq!((code, stdout.as_str()), (0, expected), "{line}: {stderr}");
    }
    let role = place.read("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/r").await.unwrap();
    assert_eq!(
        role["rules"][1],
        json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]})
    );
    assert_eq!(
        place.ok("delete deploy --all").await,
        "deployment.apps \"app\" deleted from default namespace\n"
    );
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_saved_and_refused_ones_opened_again() {
    let place = Place::start().await;
    place.ok("create cm a --from-literal=k=old").await;
    place.ok("create cm b --from-literal=k=old").await;
    let config = place.path(CONTROL_PLANE_KUBECONFIG);
    let edit = |line: &'static str, editor: &'static str| {
        let (place, config) = (&place, &config);
        async move {
            let arguments: Vec<&str> = line.split(' ').collect();
            place.run_with(&arguments, editor, config).await
        }
    };
    let (code, stdout, stderr) = edit("edit cm a", "sed -i s/old/new/").await;
    assert_eq!((code, stdout.as_str()), (0, "configmap/a edited\n"), "{stderr}");
    assert_eq!(place.read(CONFIG).await.unwrap()["data"], json!({"k": "new"}));

    let (code, stdout, stderr) = edit("edit cm a -o json", "true").await;
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "Edit cancelled, no changes made.\n"));

    let (code, stdout, stderr) = edit("edit cm/a cm/b", "sed -i s/old/newer/").await;
    assert_eq!((code, stdout.as_str()), (0, "configmap/a skipped\nconfigmap/b edited\n"), "{stderr}");

    // The name cannot change: the file opens again, and saving the same again gives up.
    let (code, stdout, stderr) = edit("edit cm a", "sed -i 's/^  name: a$/  name: z/'").await;
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.starts_with(
            "error: Edit cancelled, no valid changes were saved.\nconfigmap/a was not saved: at least one of apiVersion, kind and name was changed\n"
        ),
        "{stderr}"
    );
    let kept = stderr.trim_end().rsplit(' ').next().unwrap();
    assert!(std::fs::read_to_string(kept).unwrap().contains("name: z"), "{kept}");
    place.up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_where_an_object_is_and_what_is_stuck() {
    let place = Place::start().await;
    place.write(
        "web.yaml",
        indoc! {"
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers: [{name: web, image: 'nginx:1', resources: {requests: {cpu: 100m}}}]
        "},
    );
    place.ok("create -f web.yaml").await;
    let (code, stdout, _) = place.run(&["status", "deploy/web"]).await;
    assert_eq!(code, 1);
    assert!(stdout.starts_with("Deployment default/web is not propagated to any cluster\n"), "{stdout}");
    assert!(stdout.contains("\n  policy: no policy selects the object, so it goes nowhere\n"), "{stdout}");

    place.ok("propagate -f web.yaml --to member1,member2 --wait --force-conflicts").await;
    let (code, stdout, stderr) = place.run(&["status", "web"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.starts_with("Deployment default/web is healthy in all 2 clusters\n"), "{stdout}");
    assert!(stdout.contains("\nmember1   yes     1          yes       Healthy   1 of 1 ready\n"), "{stdout}");
    let report: Value = serde_json::from_str(&place.ok("status web -o json").await).unwrap();
    assert_eq!((&report["verdict"], &report["problems"]), (&json!("Healthy"), &json!([])));
    place.up.shutdown().await;
}
