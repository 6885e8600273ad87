#!/bin/sh
# Tries a source in CI: make, wait, keep a picture, clean up; exits as flexctl does.   sh examples/07_ci.sh [URI]
set -eu

source=${1:-test://smpte}
id=ci-$$
trap 'flexctl pipeline delete "$id" --yes --quiet' EXIT

# 8: it is stored, and the box keeps trying. The wait below decides.
flexctl pipeline create "$id" --source "$source" --play --quiet >/dev/null || [ $? = 8 ]

# 0: it plays. 1: it is in state error. 6: not in time.
flexctl wait "pipeline/$id" --for state=playing --or-fail state=error --timeout "${TIMEOUT:-30s}" >/dev/null || {
  code=$?
  flexctl pipeline status "$id" >&2
  exit "$code"
}
flexctl pipeline snapshot "$id" ci.jpg --quiet
echo "$source plays; ci.jpg shows it."
