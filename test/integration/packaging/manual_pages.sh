#!/bin/sh
# Are the manual pages well-formed, and do they say everything? manual_pages.sh FOLDER
set -eu
folder=$1
for page in "$folder"/*.[1578] "$(dirname "$0")"/../../../packaging/man/*.[18]; do
    said=$(groff -k -man -ww -Tutf8 -z "$page" 2>&1 | grep -v 'cannot adjust line\|break in adjusted' || true)
    if [ -n "$said" ]; then
        echo "FAILED $page: $said" >&2
        exit 1
    fi
    echo "ok    $page"
done
