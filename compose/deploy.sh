#!/bin/sh
# Deploys stack.yaml on the Swarm of this manager, or brings it up to date: makes the secrets that are missing, and tells the stack which nodes there are.
#
#   sh compose/deploy.sh [words for docker stack deploy]
#
# STACK is its name (heartmesh). Redis keeps the host that it has; the first time that is REDIS_HOST, or this node.
set -eu
cd "$(dirname "$0")"
stack=${STACK:-heartmesh}

random() { od -An -v -N "$1" -t x1 /dev/urandom | tr -d ' \n'; }
is_missing() { ! docker secret inspect "$1" >/dev/null 2>&1; }
create() { docker secret create "$1" - >/dev/null; }
# One line of all lines.
joined() { sort -u | paste -s -d , -; }

if is_missing heartmesh_mesh_key; then random 32 | create heartmesh_mesh_key; fi
if is_missing heartmesh_redis_password; then
  password=$(random 16)
  printf %s "$password" | create heartmesh_redis_password
  printf %s "redis://:$password@redis:6379" | create heartmesh_redis_url
fi
if is_missing heartmesh_api_tokens; then
  token=$(random 16)
  printf %s "admin:$token" | create heartmesh_api_tokens
  echo "The token of the API, which is shown this once: $token"
fi

pinned=$(docker service inspect --format '{{index .Spec.TaskTemplate.Placement.Constraints 0}}' "${stack}_redis" 2>/dev/null || true)
wanted=${REDIS_HOST:-$(docker info --format '{{.Name}}')}
known=${pinned##*== }
REDIS_HOST=${known:-$wanted}
COORDINATORS=$(docker node ls --filter role=manager --format '{{.Hostname}}=coordinator-{{.Hostname}}:7700' | joined)
ENGINES=$(docker node ls --format '{{.Hostname}}=tcp://engine-{{.Hostname}}:2375' | joined)
ENGINE_WRITES=$(docker node ls --format '{{.Hostname}}=tcp://engine-{{.Hostname}}:2376' | joined)
export COORDINATORS ENGINES ENGINE_WRITES REDIS_HOST
exec docker stack deploy "$@" --compose-file stack.yaml "$stack"
