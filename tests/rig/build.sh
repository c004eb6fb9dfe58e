#!/usr/bin/env bash
# Builds the real Kubernetes programs that tests compare with, of the versions in go.mod, into DIRECTORY.
# Needs Go. A second run does nothing when the versions are the same.
set -euo pipefail
cd "$(dirname "$0")"
directory=${1:?usage: build.sh DIRECTORY}
version=$(sed -n 's|^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
etcd_version=$(sed -n 's|^[[:space:]]*go.etcd.io/etcd/server/v3 \(v[0-9.]*\)$|\1|p' go.mod)
stamp="kubernetes $version, etcd $etcd_version"
helm_version=v3.19.5
# Clients: Helm, and a program that uses client-go.
clients() {
  if [ "$(cat "$directory/helm.stamp" 2>/dev/null || true)" != "$helm_version" ]; then
    GOBIN=$(cd "$directory" && pwd) go install -trimpath -ldflags "-s -w" "helm.sh/helm/v3/cmd/helm@$helm_version"
    echo "$helm_version" >"$directory/helm.stamp"
  fi
  probe=$(cat go.mod probe/*.go | sha256sum)
  if [ "$(cat "$directory/client-go-probe.stamp" 2>/dev/null || true)" != "$probe" ]; then
    go build -mod=readonly -trimpath -ldflags "-s -w" -o "$directory/client-go-probe" ./probe
    echo "$probe" >"$directory/client-go-probe.stamp"
  fi
}
mkdir -p "$directory"
if [ "$(cat "$directory/stamp" 2>/dev/null || true)" = "$stamp" ]; then
  clients
  exit 0
fi
IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
build() { go build -mod=readonly -trimpath -ldflags "$flags" -o "$directory/$1" "$2"; }
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
echo "$stamp" >"$directory/stamp"
clients
