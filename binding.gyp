{
  "targets": [
    {
      "target_name": "wastap",
      "sources": ["base/addon.cc", "base/special-files.cc", "wasm-runtime/aot/code.cc", "compiler/dwarf/binding.cc", "compiler/dwarf/dies.cc", "compiler/dwarf/functions.cc", "compiler/dwarf/libdw.cc",
        "compiler/dwarf/lines.cc", "compiler/dwarf/locations.cc", "compiler/dwarf/names.cc", "compiler/dwarf/scopes.cc", "compiler/dwarf/symbols.cc", "compiler/dwarf/zstd.cc", "shim/mutator/ptrace.cc", "shim/mutator/tracer.cc", "shim/mutator/access.cc",
        "shim/mutator/attach.cc", "shim/mutator/bell.cc", "shim/mutator/demangle.cc", "shim/mutator/memory.cc", "shim/mutator/observe.cc", "shim/mutator/remote.cc", "shim/mutator/rust-names.cc", "shim/mutator/start.cc", "shim/mutator/values.cc", "shim/mutator/wait.cc", "shim/mutator/zone.cc"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++17", "-fexceptions"],
      "ldflags": ["-pthread"],
      "libraries": ["-ldl"]
    }
  ]
}
