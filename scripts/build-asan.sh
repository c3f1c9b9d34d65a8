#!/bin/sh
# Copies the built package to the directory given, with an addon that has AddressSanitizer and
# UndefinedBehaviorSanitizer. Start it with LD_PRELOAD=$(gcc -print-file-name=libasan.so).
set -eu
target=$1
mkdir -p "$target"
cp -r package.json dist prebuilds "$target/"
ln -sfn "$PWD/node_modules" "$target/node_modules"
ln -sfn "$PWD/test" "$target/test"
node=$(node -p 'require("path").resolve(process.execPath, "../..")')/include/node
[ -e "$node/node_api.h" ] || node=$HOME/.cache/node-gyp/$(node -p process.versions.node)/include/node
sources=$(node -p 'JSON.parse(require("fs").readFileSync("binding.gyp", "utf8")).targets[0].sources.join(" ")')
# shellcheck disable=SC2086 # one word for each source
g++ -std=c++17 -O1 -g -shared -fPIC -pthread -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover \
    -DNAPI_VERSION=8 -DNAPI_CPP_EXCEPTIONS -I"$node" -I"$(node -p 'require("node-addon-api").include_dir')" \
    $sources -o "$target/prebuilds/linux-x64/wastap.node" -ldl
node "$target/dist/scripts/write-manifest.js"
