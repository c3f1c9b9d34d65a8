/* Large results for JavaScript: columns of numbers, and texts that they have offsets of. */
#ifndef WASTAP_COMPILER_DWARF_COLUMNS_H
#define WASTAP_COMPILER_DWARF_COLUMNS_H

#include "binding.h"
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace wastap_dwarf {

/* Text, each once, as UTF-8 with a zero after it; the empty text is at 0. */
class Strings {
  public:
    uint32_t add(const char *value) {
        if (!value || !*value)
            return 0;
        auto [found, is_new] = offsets_.try_emplace(value, static_cast<uint32_t>(bytes.size()));
        if (is_new)
            bytes.insert(bytes.end(), value, value + strlen(value) + 1);
        return found->second;
    }
    std::vector<char> bytes{'\0'};

  private:
    std::unordered_map<std::string_view, uint32_t> offsets_;
};

template <typename Array, typename Element>
Array column(Napi::Env env, const std::vector<Element> &values) {
    Array array = Array::New(env, values.size());
    std::copy(values.begin(), values.end(), array.Data());
    return array;
}

} // namespace wastap_dwarf

#endif
