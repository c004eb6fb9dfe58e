#!/usr/bin/env bash
# Builds the real Kubernetes programs that tests compare with, of the versions in go.mod, into DIRECTORY.
# Needs Go. A second run does nothing when the versions are the same.
set -euo pipefail
cd "$(dirname "$0")"
directory=${1:?usage: build.sh DIRECTORY}
version=$(sed -n 's|^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
etcd_version=$(sed -n 's|^[[:space:]]*go.etcd.io/etcd/server/v3 \(v[0-9.]*\)$|\1|p' go.mod)
stamp="kubernetes $version, etcd $etcd_version"
if [ "$(cat "$directory/stamp" 2>/dev/null || true)" = "$stamp" ]; then
  exit 0
fi
mkdir -p "$directory"
IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
build() { go build -mod=readonly -trimpath -ldflags "$flags" -o "$directory/$1" "$2"; }
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
echo "$stamp" >"$directory/stamp"
