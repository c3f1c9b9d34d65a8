/*
 * What the bindings of this folder do with JavaScript's values.
 */
#ifndef WASTAP_VALUES_H
#define WASTAP_VALUES_H

#include "tracer.h"

#include <functional>
#include <napi.h>
#include <vector>

using Deliver = std::function<void(Napi::Env, Napi::Function)>;

/* A number or a BigInt; addresses are below 2^53. */
uint64_t word(const Napi::Value &value);

std::vector<uint8_t> bytes_of(const Napi::Value &value);

/* The word at an offset of an ArrayBuffer. */
uint32_t *shared_word(const Napi::Value &memory, const Napi::Value &offset);

/* Runs `action` on the JavaScript thread; actions arrive in the order in which they were sent. */
void send(const Napi::ThreadSafeFunction &to, Deliver action);

/* An Error with `errno`. */
Napi::Value error_to(Napi::Env env, const SystemError &error);

/* Throws what errno says of the system call `what`. */
Napi::Value system_error(Napi::Env env, const char *what);

#endif
