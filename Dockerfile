# The image of every component of Karmada: one program, and nothing else.
#
#   podman build -t localhost/karmadactl:0.1.0 .
#   podman build --build-arg BUILDER=docker.io/library/rust:1.95-bookworm -t registry.example/karmadactl:0.1.0 .
#
# The program is linked statically against the C library (glibc, `crt-static`), so that it runs from scratch: it needs no
# loader, no libraries, no shell and no files. Names are looked up by its own means only where the C library would need
# plug-ins of its own (nsswitch): /etc/hosts and DNS, which is what a pod has.
ARG BUILDER=docker.io/library/rust:1.95-bookworm

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
# The path of the source is not in the program, so that two builds of one commit are the same, wherever they are made.
ENV RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/source=/karmada" \
    SOURCE_DATE_EPOCH=0
RUN cargo build --profile dist --locked --target x86_64-unknown-linux-gnu -p karmadactl --bin karmadactl \
 && install -D target/x86_64-unknown-linux-gnu/dist/karmadactl /image/usr/local/bin/karmadactl \
 && install -d -m 1777 /image/tmp

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="karmadactl" \
      org.opencontainers.image.description="Runs applications across many Kubernetes clusters with the Kubernetes API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
# A user without rights; a number, because there is no file that names users.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/karmadactl"]
