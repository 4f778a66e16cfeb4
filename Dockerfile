# The action's image: one static binary and the CA certificates.
#
# There is no USER: the runner mounts a workspace that belongs to somebody
# else, and the action has to write there and hand the files over to that
# owner. There is no shell, so nothing an artifact brings can be run by one,
# and inputs with hyphens in their names (which shells drop) arrive whole.
#
# Runners build this with a plain "docker build", which is BuildKit on some of
# them only: nothing here needs it. Releases are put together by
# internal/release/image.sh, for more platforms than one.

# Written out for Dependabot, which does not look into an ARG. Releases are
# built with this version of Go; the digest is that of the multi-platform index.
FROM golang:1.26.8-alpine@sha256:8ac98ca534ac3f51e1f420a1dd2c15e74c75cfa0f23f3ad27eb5d7236c349a0c AS build
WORKDIR /src
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /out/artifetch .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/artifetch /artifetch
ENTRYPOINT ["/artifetch"]
