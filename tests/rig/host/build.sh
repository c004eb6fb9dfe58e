#!/usr/bin/env bash
# Builds what a host cluster needs besides the programs of ../build.sh, into DIRECTORY: kubelet, kube-proxy and
# kube-scheduler of the same version, CoreDNS, and the program of pause containers. Needs Go.
# A second run does nothing when the versions are the same.
set -euo pipefail
directory=${1:?usage: build.sh DIRECTORY}
cd "$(dirname "$0")/.."
stamp=$(cat go.mod dns/go.mod dns/main.go pause/main.go | sha256sum)
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
if [ "$(cat "$directory/stamp" 2>/dev/null || true)" = "$stamp" ]; then
  exit 0
fi
version=$(sed -n 's|^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
build() { go build -mod=readonly -trimpath -ldflags "$flags" -o "$directory/$1" "$2"; }
build kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
build kube-proxy k8s.io/kubernetes/cmd/kube-proxy
build kubelet k8s.io/kubernetes/cmd/kubelet
build pause ./pause
cd dns
build coredns .
echo "$stamp" >"$directory/stamp"
