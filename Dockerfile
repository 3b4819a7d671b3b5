# scanhook with the few libraries of Debian that it needs: no shell and no package manager, and a number for a user.
#
#   docker build -t scanhook .
#   docker run -p 8080:8080 --read-only --tmpfs /tmp -v "$PWD/config:/etc/scanhook:ro" -v scanhook-data:/var/lib/scanhook scanhook \
#     serve --config /etc/scanhook/scanhook.toml --rules /etc/scanhook/rules.toml --data-dir /var/lib/scanhook
#
# A webhook that nobody can reach is of no use, so the image listens on all its addresses; the admin listener stays
# on the container's loopback.
#
# The bases are pinned by version. With `@sha256:…` behind it, an argument pins one by its content, or names a mirror of yours.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm
ARG DEBIAN_IMAGE=docker.io/library/debian:12.15-slim
# `prebuilt` takes the program from target/prebuilt instead of compiling it: scanhook, built on Debian 12 or
# older and stripped, and scanhook.cdx.json, which is what packaging/sbom prints. packaging/image does so with the program it tries.
ARG BINARY=compiled

FROM ${RUST_IMAGE} AS compiled
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin scanhook \
 && mkdir /out \
 && strip -o /out/scanhook target/release/scanhook \
 && packaging/sbom > /out/scanhook.cdx.json

FROM scratch AS prebuilt
COPY target/prebuilt/ /out/

FROM ${BINARY} AS binary

# The folders of the final image, below /image.
FROM ${DEBIAN_IMAGE} AS system
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=binary /out/ /out/
COPY packaging/rootfs /usr/local/bin/
RUN rootfs /out /image && mkdir -m 700 -p /data/scanhook

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="scanhook" \
      org.opencontainers.image.description="Alert webhooks in, the right Microsoft Defender Antivirus scan out, followed to its end and explained" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=system /image/ /
COPY --from=system --chown=65532:65532 /data/ /var/lib/
# A number, so that a cluster can see that it is not root.
USER 65532:65532
ENV SCANHOOK_SERVER__LISTEN=0.0.0.0:8080 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 8080
VOLUME ["/var/lib/scanhook"]
# There is no shell and no curl in the image, and none is needed. Where the admin listener is not that of
# /etc/scanhook/scanhook.toml, SCANHOOK_ADMIN names it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/local/bin/scanhook", "health"]
ENTRYPOINT ["/usr/local/bin/scanhook"]
