# syntax=docker/dockerfile:1
# The operator, and what it puts beside the Chaos Toolkit, in an image: no shell, no packages, nothing but two static programs.
# This stage runs on the platform of the builder and compiles for the others, so no build is emulated. hack/release/check.sh
# compares the version with rust-toolchain.toml. The programs are linked as hack/programs.sh links those that the tests use.
FROM --platform=$BUILDPLATFORM rust:1.95.0-slim-bookworm AS build
# Set by the builder for each platform of `docker buildx build --platform linux/amd64,linux/arm64`.
ARG TARGETARCH
# The crate ring has C code, so another platform needs a C compiler, and its linker. Without `SHELL`, which podman and buildah ignore
# in images of their own format.
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) cpu=x86_64 debian=x86-64 variable=X86_64 ;; \
      arm64) cpu=aarch64 debian=aarch64 variable=AARCH64 ;; \
      *) echo "the programs are not built for the platform: $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    if [ "$cpu" != "$(uname -m)" ]; then \
      apt-get update; \
      apt-get install --yes --no-install-recommends "gcc-$debian-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
      rm -rf /var/lib/apt/lists/*; \
    fi; \
    rustup target add "$cpu-unknown-linux-gnu"; \
    echo "export target=$cpu-unknown-linux-gnu CARGO_TARGET_${variable}_UNKNOWN_LINUX_GNU_LINKER=$cpu-linux-gnu-gcc" >/platform
WORKDIR /src
# What this is, .dockerignore says.
COPY . .
# The target directory is a cache mount, which is not part of the layer: the programs are copied out of it. All platforms share
# the mount, so each has a directory of its own there. An explicit --target keeps the flag away from build scripts and macros.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    set -eu; . /platform; export CARGO_TARGET_DIR="target/$TARGETARCH" RUSTFLAGS="-C target-feature=+crt-static"; \
    cargo build --release --locked --target "$target" --package chaostoolkit-operator --bin chaostoolkit-operator; \
    cargo build --profile runner --locked --target "$target" --package chaostoolkit-runner --bin chaos-runner; \
    cp "$CARGO_TARGET_DIR/$target/release/chaostoolkit-operator" "$CARGO_TARGET_DIR/$target/runner/chaos-runner" /

FROM scratch
COPY --from=build /chaostoolkit-operator /chaos-runner /
# A number, or Kubernetes could not tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/chaostoolkit-operator"]
