#!/bin/sh
# A worker that tells when another one of its user runs beside it, by a line in the file `twice` of the tree.
#
# alone.sh PYTHON-WORKER

tree="$STEWARD_RUNTIME/.."
exec 9>"$tree/$STEWARD_USER.lock"
flock -n 9 || echo "$STEWARD_USER" >>"$tree/twice"
exec /usr/bin/python3 "$1"
