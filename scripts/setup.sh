#!/bin/sh
# Installs the Debian packages that building, checking and testing need, if any is missing.
set -eu
packages="gcc g++ make python3 libc6-dev libdw-dev libelf-dev clang-format-14 musl-tools wabt gdb
clang llvm dwz debuginfod xz-utils systemtap strace php8.2-cli python3.11 python3.11-dbg libpython3.11-testsuite postgresql-15 postgresql-contrib
util-linux procps golang-go rustc"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; some tests will be skipped without:$missing" >&2
    exit 0
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
$run apt-get update -q
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -q --no-install-recommends $missing
