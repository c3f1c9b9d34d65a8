#!/bin/sh
# Installs the Debian packages that building, checking and testing need, if any is missing.
set -eu
packages="gcc g++ make python3 libc6-dev libdw-dev libelf-dev clang-format-14 musl-tools wabt gdb
clang llvm dwz debuginfod xz-utils systemtap systemtap-doc strace php8.2-cli python3.11 python3.11-dbg libpython3.11-testsuite postgresql-15 postgresql-contrib
util-linux procps golang-go rustc ruby systemtap-sdt-dev"
# 120 MB to download; tests of the JVM are skipped without.
java="openjdk-17-jdk-headless"

missing() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$package"
    done
}

[ -n "$(missing $packages $java)" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; some tests will be skipped without:$(missing $packages $java)" >&2
    exit 0
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
install() {
    [ $# = 0 ] || DEBIAN_FRONTEND=noninteractive $run apt-get install -y -q --no-install-recommends "$@"
}
$run apt-get update -q
install $(missing $packages)
# Java's packages link manual pages there, which slim images lack.
$run mkdir -p /usr/share/man/man1
install $(missing $java) || echo "setup: $java cannot be installed" >&2
