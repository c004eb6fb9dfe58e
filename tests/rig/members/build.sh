#!/usr/bin/env bash
# Builds kube-apiserver and kube-controller-manager of another Kubernetes release, for members, into DIRECTORY.
# The releases are the folders beside this script. Needs Go. A second run does nothing when the version is the same.
set -euo pipefail
release=${1:?usage: build.sh RELEASE DIRECTORY}
directory=${2:?usage: build.sh RELEASE DIRECTORY}
cd "$(dirname "$0")/$release"
version=$(sed -n 's|^require k8s.io/kubernetes \(v[0-9.]*\)$|\1|p;s|^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
mkdir -p "$directory"
if [ "$(cat "$directory/stamp" 2>/dev/null || true)" = "kubernetes $version" ]; then
  exit 0
fi
IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
for program in kube-apiserver kube-controller-manager; do
  go build -mod=readonly -trimpath -ldflags "$flags" -o "$directory/$program" "k8s.io/kubernetes/cmd/$program"
done
echo "kubernetes $version" >"$directory/stamp"
