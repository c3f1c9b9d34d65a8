#!/bin/sh
# Copies Debian's libdw and libelf, with their licence texts, to the directory given.
set -eu
target=$1
for library in libelf.so.1 libdw.so.1; do
    cp -L "$(gcc -print-file-name=$library)" "$target/$library"
done
cp /usr/share/doc/libdw1/copyright "$target/libdw.copyright"
cp /usr/share/common-licenses/LGPL-3 "$target/libdw.LGPL-3"
cp /usr/share/common-licenses/GPL-3 "$target/libdw.GPL-3"
