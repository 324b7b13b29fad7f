# syntax=docker/dockerfile:1
# The operator, and what it puts beside the Chaos Toolkit, in an image: no shell, no packages, nothing but two static programs.
FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
# Set by the builder for each platform of `docker buildx build --platform linux/amd64,linux/arm64`. This stage runs on that
# platform, natively or emulated, since the crate ring has C code. arm64 is not tested.
ARG TARGETARCH
# What this is, .dockerignore says.
COPY . .
# The target directory is a cache mount, which is not part of the layer: the programs are copied out of it. All platforms share
# the mount, so each has a directory of its own there.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    export CARGO_TARGET_DIR="target/$TARGETARCH" && \
    cargo build --release --locked --package chaostoolkit-operator --bin chaostoolkit-operator && \
    cargo build --profile runner --locked --package chaostoolkit-runner --bin chaos-runner && \
    cp "$CARGO_TARGET_DIR/release/chaostoolkit-operator" "$CARGO_TARGET_DIR/runner/chaos-runner" /

FROM scratch
COPY --from=build /chaostoolkit-operator /chaos-runner /
# A number, or Kubernetes could not tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/chaostoolkit-operator"]
