# The program alone, in an image without a system: docker build -t openai-shim .
FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev gcc make
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package openai-shim-server && cp target/release/openai-shim /openai-shim

FROM scratch
COPY --from=build /openai-shim /openai-shim
# Nobody in particular: no file belongs to this user, and nothing is written.
USER 65532:65532
ENV OPENAI_SHIM_LISTEN=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=2s CMD ["/openai-shim", "check", "--ready"]
ENTRYPOINT ["/openai-shim"]
