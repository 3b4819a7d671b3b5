# A static binary in an empty image: no shell, no package manager, nothing to patch but scanhook itself.
#
#   docker build -t scanhook .
#   docker run -p 8080:8080 -v "$PWD/config:/etc/scanhook:ro" -v scanhook-data:/var/lib/scanhook scanhook \
#     serve --config /etc/scanhook/scanhook.toml --rules /etc/scanhook/rules.toml --data-dir /var/lib/scanhook
#
# A webhook that nobody can reach is of no use, so the image listens on all its addresses; the admin listener stays
# on the container's loopback.

FROM rust:1-alpine AS build
RUN apk add --no-cache build-base ca-certificates
WORKDIR /build
COPY . .
# On Alpine the default target is musl and links statically.
RUN cargo build --release --locked --bin scanhook \
 && mkdir -p /empty/var/lib/scanhook /empty/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /empty/ /
COPY --from=build /build/target/release/scanhook /usr/local/bin/scanhook
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
