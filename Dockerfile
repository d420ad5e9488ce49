# Groundswell as an image. With the embedded store:
#
#   docker build -t groundswell .
#   docker run --read-only --cap-drop ALL -e GROUNDSWELL_AUTH=open -p 127.0.0.1:8080:8080 -v groundswell-data:/data groundswell
#
# Several nodes on one Redis: docker-compose.yml.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
# Cargo.toml names the benches, the tests and the laboratory, so cargo wants to see them.
COPY benches benches
COPY lab lab
COPY tests/main.rs tests/main.rs
COPY src src
# Dependencies stay built from one image to the next. The kept target directory goes by the dates of files, which another checkout
# may have older: touched, our own crate is always built anew.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    touch src/lib.rs src/main.rs && \
    cargo build --locked --profile dist --bin groundswell && \
    cp target/dist/groundswell /usr/local/bin/groundswell

# The Debian of the build, so that the C library is the same.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Groundswell" \
      org.opencontainers.image.description="Turns crowd reports of lost service into one trustworthy answer: which provider is down, where, since when" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# For rediss:// where GROUNDSWELL_REDIS_CA names no authority.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/groundswell/
COPY --from=build /usr/local/bin/groundswell /usr/local/bin/groundswell
# A new volume takes its owner from here. Only the embedded store writes; on Redis nothing is written to any file.
RUN install --directory --mode=0700 --owner=65532 --group=65532 /data
USER 65532:65532
# Who may call is not said here: what listens on all addresses must be told, by GROUNDSWELL_AUTH=open or serve --auth open.
ENV GROUNDSWELL_LISTEN=0.0.0.0:8080 \
    GROUNDSWELL_STORE=/data
EXPOSE 8080
# No HEALTHCHECK: the image has no HTTP client. Orchestrators ask /healthz and /readyz themselves; docker-compose.yml asks by way of bash.
# No VOLUME: it would give every node on Redis one that it never uses. Without one at /data, the embedded store ends with the container.
ENTRYPOINT ["groundswell"]
CMD ["serve"]
