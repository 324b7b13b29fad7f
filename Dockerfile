# syntax=docker/dockerfile:1
# The operator, and what it puts beside the Chaos Toolkit, in an image: no shell, no packages, nothing but two static programs.
# This stage runs on the platform of the builder and compiles for the others, so no build is emulated. hack/release/check.sh
# compares the version with rust-toolchain.toml. The programs are linked as hack/programs.sh links those that the tests use.
FROM --platform=$BUILDPLATFORM rust:1.95.0-slim-bookworm AS build
# Set by the builder for each platform of `docker buildx build --platform linux/amd64,linux/arm64`.
ARG TARGETARCH
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The crate ring has C code, so another platform needs a C compiler, and its linker.
RUN case "$TARGETARCH" in \
      amd64) cpu=x86_64 ;; \
      arm64) cpu=aarch64 ;; \
      *) echo "the programs are not built for the platform: $TARGETARCH" >&2; exit 1 ;; \
    esac; \
    if [ "$cpu" != "$(uname -m)" ]; then \
      apt-get update; \
      apt-get install --yes --no-install-recommends "gcc-${cpu//_/-}-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
      rm -rf /var/lib/apt/lists/*; \
    fi; \
    rustup target add "$cpu-unknown-linux-gnu"; \
    echo "$cpu" >/cpu
WORKDIR /src
# What this is, .dockerignore says.
COPY . .
# The target directory is a cache mount, which is not part of the layer: the programs are copied out of it. An explicit --target
# keeps the flag away from build scripts and macros.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=target-$TARGETARCH \
    cpu=$(cat /cpu); target=$cpu-unknown-linux-gnu; name=${target//-/_}; \
    export "CARGO_TARGET_${name^^}_LINKER=$cpu-linux-gnu-gcc" RUSTFLAGS="-C target-feature=+crt-static"; \
    cargo build --release --locked --target "$target" --package chaostoolkit-operator --bin chaostoolkit-operator; \
    cargo build --profile runner --locked --target "$target" --package chaostoolkit-runner --bin chaos-runner; \
    cp "target/$target/release/chaostoolkit-operator" "target/$target/runner/chaos-runner" /

FROM scratch
COPY --from=build /chaostoolkit-operator /chaos-runner /
# A number, or Kubernetes could not tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/chaostoolkit-operator"]
