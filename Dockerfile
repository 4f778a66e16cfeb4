# The action's image: one static binary and the CA certificates.
#
# There is no USER: the runner mounts a workspace that belongs to somebody
# else, and the action has to write there and hand the files over to that
# owner. There is no shell, so nothing an artifact brings can be run by one,
# and inputs with hyphens in their names (which shells drop) arrive whole.

# Go 1.26.8 on Alpine 3.24; the digest is that of the multi-platform index.
ARG GO_IMAGE=golang:1.26-alpine@sha256:8ac98ca534ac3f51e1f420a1dd2c15e74c75cfa0f23f3ad27eb5d7236c349a0c

# The compiler runs on the building machine and cross-compiles: no emulation.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /out/artifetch .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/artifetch /artifetch
ENTRYPOINT ["/artifetch"]
