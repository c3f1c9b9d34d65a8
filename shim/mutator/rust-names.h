/* Names of functions in Rust's mangling of version 0. */
#ifndef WASTAP_RUST_NAMES_H
#define WASTAP_RUST_NAMES_H

#include <string>
#include <string_view>

/*
 * The path that `mangled` ("_R…") stands for, without the hashes of crates; "" if it is no such
 * name, nests too deep or comes to too much. What LLVM put behind it (".llvm.123") is left out.
 */
std::string rust_path(std::string_view mangled);

#endif
