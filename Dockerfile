# syntax=docker/dockerfile:1
# docker build -t parking .
# The root file system may be read-only: what is kept is in /data, and /tmp may be a tmpfs.

ARG NODE_IMAGE=node:24.11.1-trixie-slim
ARG RUST_IMAGE=rust:1.95.0-slim-trixie
# Its tags follow Debian's updates. Give a digest for the same bytes again.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian13:nonroot

# The client is the same on every processor: built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS client
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY docs/openapi.json ../docs/
COPY frontend ./
RUN npm run build

FROM ${RUST_IMAGE} AS server
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY bench bench
COPY migrations migrations
COPY src src
COPY --from=client /build/frontend/dist frontend/dist
# The font of the PDF reports.
COPY --from=client /build/frontend/node_modules/@expo-google-fonts/noto-sans frontend/node_modules/@expo-google-fonts/noto-sans
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked \
    && install -D -m 0755 target/release/parking /image/parking \
    && install -d -m 0700 /image/data

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="parking" \
      org.opencontainers.image.description="A self-hosted, multi-user vehicle parking application in one binary" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=server /image/parking /usr/bin/parking
COPY --from=server --chown=65532:65532 /image/data /data
COPY LICENSE /usr/share/doc/parking/copyright
ENV LISTEN=0.0.0.0:8080 DATA_DIR=/data
USER 65532:65532
# A file .env that is mounted here is read too.
WORKDIR /etc/parking
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["/usr/bin/parking", "health", "--live"]
ENTRYPOINT ["/usr/bin/parking"]
CMD ["serve"]
