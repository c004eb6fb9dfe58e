#!/usr/bin/env bash
# Writes an image from scratch as an archive that container engines load: files, and the libraries that they are linked
# with. With --bind-low-ports the files carry the right to do that, as Kubernetes' own images have it.
set -euo pipefail
capabilities=
if [ "${1:-}" = --bind-low-ports ]; then
  capabilities=cap_net_bind_service=+ep
  shift
fi
archive=${1:?usage: image.sh [--bind-low-ports] ARCHIVE NAME FILE=PATH...} name=${2:?name of the image}
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
install -d -m 755 "$root"
install -d -m 1777 "$root/tmp"
for pair in "$@"; do
  file=${pair%%=*} path=$root/${pair#*=}
  install -D -m 755 "$file" "$path"
  # Debugging information is most of a program that was built for tests.
  strip --strip-debug "$path" 2>/dev/null || true
  if [ -n "$capabilities" ]; then
    setcap "$capabilities" "$path"
  fi
  for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true); do
    install -D -m 755 "$library" "$root$library"
  done
done
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --xattrs --xattrs-include=security.capability \
  -C "$root" -cf "$work/layer.tar" .
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
cat >"$work/config.json" <<JSON
{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/local/bin"], "Entrypoint": ["/${1#*=}"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
JSON
echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$name\"], \"Layers\": [\"layer.tar\"]}]" >"$work/manifest.json"
tar -C "$work" -cf "$archive" manifest.json config.json layer.tar
