#!/usr/bin/env bash
# The completion script in a real bash: completion.bash LRACTL
set -euo pipefail
PATH=$(dirname "$1"):$PATH
# shellcheck disable=SC1090
source <(lractl --completion bash)

expect() { # LINE WORD...
    local line=$1
    shift
    COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
    _lractl
    if [ "${COMPREPLY[*]}" != "$*" ]; then
        echo "FAILED '$line': '${COMPREPLY[*]}' instead of '$*'" >&2
        exit 1
    fi
    echo "ok    '$line'"
}

expect 'lractl handsh' handshake
expect 'lractl drive wh' why
expect 'lractl --socket /no/such.sock drive show ' # nobody answers: no names, no noise
expect 'lractl drive clear X --rea' --reason
expect 'lractl zzz'
