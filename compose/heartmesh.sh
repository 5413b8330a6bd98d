#!/bin/sh
# The compose project on this machine's Docker, one command each:
#
#   sh compose/heartmesh.sh init   builds the images and makes the secrets that are missing
#   sh compose/heartmesh.sh run    starts everything and waits until the coordinators answer
#   sh compose/heartmesh.sh stop   ends it; what it knows stays in its volumes
#
# All may be repeated. COMPOSE_PROFILES=two runs a second HAProxy, COMPOSE_PROFILES=observability Prometheus and Grafana (two,observability: both). Where compose/ was copied without the sources, init takes compose/build as it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
SECRETS_DIR=${SECRETS_DIR:-$here/secrets}
DOCKER_SOCKET=${DOCKER_SOCKET:-/var/run/docker.sock}
export SECRETS_DIR DOCKER_SOCKET

fail() {
  echo "heartmesh: $1" >&2
  exit 1
}
random() { od -An -v -N "$1" -t x1 /dev/urandom | tr -d ' \n'; }
# Anybody inside a container may read it, and outside nobody but who may enter the directory by its name.
secret() { printf '%s\n' "$2" > "$SECRETS_DIR/$1" && chmod 0444 "$SECRETS_DIR/$1"; }
is_missing() { [ ! -s "$SECRETS_DIR/$1" ]; }
compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose -f "$here/compose.yaml" "$@"
  elif command -v docker-compose >/dev/null 2>&1; then
    docker-compose -f "$here/compose.yaml" "$@"
  else
    fail "there is neither 'docker compose' nor docker-compose; install one of them"
  fi
}

needs_docker() {
  command -v docker >/dev/null 2>&1 || fail "docker is not installed"
  docker version >/dev/null 2>&1 || fail "no Docker engine answers (DOCKER_HOST=${DOCKER_HOST:-unset}); start it, or join its group"
  [ -S "$DOCKER_SOCKET" ] || fail "$DOCKER_SOCKET is no socket; set DOCKER_SOCKET to the engine's, which the coordinators mount"
  DOCKER_GID=${DOCKER_GID:-$(stat -c %g "$DOCKER_SOCKET")}
  export DOCKER_GID
}

make_secrets() {
  mkdir -p "$SECRETS_DIR"
  chmod 0711 "$SECRETS_DIR"
  if is_missing mesh_key; then secret mesh_key "$(random 32)"; fi
  if is_missing redis_password || is_missing redis_url; then
    password=$(random 16)
    secret redis_password "$password"
    secret redis_url "redis://:$password@redis:6379"
  fi
  if is_missing api_tokens; then secret api_tokens "admin:admin:$(random 16)"; fi
  if is_missing metrics_token; then
    token=$(random 16)
    # In place: running coordinators read the file again, by the inode that is mounted.
    chmod u+w "$SECRETS_DIR/api_tokens"
    if [ -n "$(tail -c 1 "$SECRETS_DIR/api_tokens")" ]; then echo >> "$SECRETS_DIR/api_tokens"; fi
    printf '%s\n' "metrics:viewer:$token" >> "$SECRETS_DIR/api_tokens"
    chmod 0444 "$SECRETS_DIR/api_tokens"
    secret metrics_token "$token"
  fi
  if is_missing grafana_password; then secret grafana_password "$(random 8)"; fi
}

build_images() {
  if [ -f "$here/../package.json" ]; then
    command -v npm >/dev/null 2>&1 || fail "npm is not installed: the sources are built with Node.js 20.19 or later"
    (cd "$here/.." && { [ -d node_modules ] || npm ci; } && npm run --silent build)
  fi
  [ -d "$here/build" ] || fail "$here/build is missing: run npm run build where the sources are, and copy compose/ whole"
  # One service of each image.
  compose build c1 web-agent web
}

wait_until_ready() {
  tries=60
  for one in c1 c2 c3; do
    until compose exec -T "$one" node /opt/heartmesh/dist/heartmesh.mjs healthcheck >/dev/null 2>&1; do
      tries=$((tries - 1))
      [ "$tries" -gt 0 ] || fail "$one does not answer; its log may tell why: docker logs \$(docker ps -qf label=com.docker.compose.service=$one)"
      sleep 1
    done
  done
}

case "${1:-}" in
  init)
    needs_docker
    make_secrets
    build_images
    echo "Ready to run. The token of the API stands in $SECRETS_DIR/api_tokens (name:role:token), Grafana's password in grafana_password."
    ;;
  run)
    needs_docker
    for one in mesh_key api_tokens redis_password redis_url metrics_token grafana_password; do
      if is_missing "$one"; then fail "$SECRETS_DIR/$one is missing; run: sh $0 init"; fi
    done
    for image in coordinator agent sample; do
      docker image inspect "heartmesh-$image:local" >/dev/null 2>&1 || fail "the image heartmesh-$image:local is missing; run: sh $0 init"
    done
    compose up -d
    wait_until_ready
    echo "Running: http://127.0.0.1:${API_PORT:-8000}/docs is the API, http://127.0.0.1:${STATS_PORT:-1936}/ what HAProxy sees."
    ;;
  stop)
    needs_docker
    # With what any profile has started.
    export COMPOSE_PROFILES=two,more,observability
    # A coordinator that ends last may have started again what ended first: by then none is left to do so.
    compose down || compose down
    ;;
  *)
    fail "expected init, run or stop: sh $0 init"
    ;;
esac
