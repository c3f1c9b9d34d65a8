/*
 * Rust's mangling of version 0: a grammar in prefix notation in which each production begins with a
 * letter, and "B" refers back to a place in the name. It is parsed and printed in one pass; names
 * may be hostile: nesting and output are limited. Sources: RFC 2603 (grammar, punctuation), rustc
 * book "v0 Symbol Format", RFC 3492 (Punycode, with "_" for "-").
 */
#include "rust-names.h"

#include <array>
#include <cctype>
#include <cstdint>
#include <vector>

namespace {

using Text = std::string_view;

/* Deeper nesting is none of rustc's. */
constexpr int MOST_DEPTH = 300;
constexpr size_t MOST_BYTES = 1 << 16;
/* Characters of one identifier that is not ASCII. */
constexpr size_t MOST_CHARACTERS = 1000;

void append_utf8(std::string &text, uint32_t c) {
    auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
    if (c < 0x80)
        return put(c);
    if (c < 0x800) {
        put(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            put(0xe0 | c >> 12);
        } else {
            put(0xf0 | c >> 18);
            put(0x80 | (c >> 12 & 0x3f));
        }
        put(0x80 | (c >> 6 & 0x3f));
    }
    put(0x80 | (c & 0x3f));
}

bool is_character(uint64_t c) {
    return c < 0xd800 || (c > 0xdfff && c < 0x110000);
}

/* Bias of the next number (RFC 3492 §6.1). */
uint32_t adapted(uint32_t delta, uint32_t characters, bool is_first) {
    delta = is_first ? delta / 700 : delta / 2;
    delta += delta / characters;
    uint32_t k = 0;
    for (; delta > (36 - 1) * 26 / 2; k += 36)
        delta /= 36 - 1;
    return k + 36 * delta / (delta + 38);
}

/* Punycode as UTF-8 (RFC 3492 §6.2); "" if it is damaged. */
std::string from_punycode(Text coded) {
    size_t end = coded.rfind('_');
    Text basic = end == Text::npos ? Text() : coded.substr(0, end);
    Text digits = end == Text::npos ? coded : coded.substr(end + 1);
    std::vector<uint32_t> characters(basic.begin(), basic.end());
    uint64_t character = 0x80, index = 0;
    uint32_t bias = 72;
    for (size_t at = 0; at < digits.size();) {
        uint64_t start = index, weight = 1;
        for (uint32_t k = 36;; k += 36) {
            char c = at < digits.size() ? digits[at++] : '\0';
            bool is_letter = c >= 'a' && c <= 'z';
            if (!is_letter && !(c >= '0' && c <= '9'))
                return "";
            uint64_t digit = static_cast<uint64_t>(is_letter ? c - 'a' : c - '0' + 26);
            index += digit * weight;
            uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            if (index > UINT32_MAX)
                return "";
            if (digit < threshold)
                break;
            weight *= 36 - threshold;
        }
        uint64_t count = characters.size() + 1;
        bias =
            adapted(static_cast<uint32_t>(index - start), static_cast<uint32_t>(count), start == 0);
        character += index / count;
        index %= count;
        if (!is_character(character) || count > MOST_CHARACTERS)
            return "";
        characters.insert(characters.begin() + static_cast<long>(index++),
                          static_cast<uint32_t>(character));
    }
    std::string text;
    for (uint32_t c : characters)
        append_utf8(text, c);
    return text;
}

/* By their letters, from "a" on; "" for those that begin something else. */
constexpr std::array<Text, 26> BASIC_TYPES = {
    "i8",   "bool", "char", "f64", "str", "f32", "",    "u8", "isize", "usize", "",    "i32", "u32",
    "i128", "u128", "_",    "",    "",    "i16", "u16", "()", "...",   "",      "i64", "u64", "!"};

Text basic_type(char letter) {
    return letter < 'a' || letter > 'z' ? "" : BASIC_TYPES[static_cast<size_t>(letter - 'a')];
}

/* Prints one name. What fails once prints nothing more and ends soon. */
class Printer {
  public:
    explicit Printer(Text name) : name_(name) {
    }

    /* <path> [<instantiating-crate>] */
    std::string print_symbol() {
        path(true);
        silent_++;
        if (at_ < name_.size())
            path(false);
        return failed_ || at_ < name_.size() ? "" : printed_;
    }

  private:
    /* Counts nesting. */
    struct Level {
        explicit Level(Printer &of) : printer(of) {
            if (++printer.depth_ > MOST_DEPTH)
                printer.fail();
        }
        ~Level() {
            printer.depth_--;
        }
        Printer &printer;
    };

    void fail() {
        failed_ = true;
    }

    char next() {
        if (failed_ || at_ >= name_.size()) {
            fail();
            return '\0';
        }
        return name_[at_++];
    }

    bool eat(char c) {
        if (failed_ || at_ >= name_.size() || name_[at_] != c)
            return false;
        at_++;
        return true;
    }

    void print(Text text) {
        if (silent_ > 0 || failed_)
            return;
        printed_ += text;
        if (printed_.size() > MOST_BYTES)
            fail();
    }

    /* Items up to "E"; their number. */
    template <typename Item> size_t list(Text separator, Item item) {
        size_t count = 0;
        for (; !failed_ && !eat('E'); count++) {
            if (count > 0)
                print(separator);
            item();
        }
        return count;
    }

    /* "_" is 0, "0_" is 1. */
    uint64_t base_62() {
        uint64_t value = 0;
        for (bool is_first = true;; is_first = false) {
            char c = next();
            if (c == '_')
                return is_first ? 0 : value + 1;
            if (!isalnum(static_cast<unsigned char>(c)) || value > (UINT64_MAX - 62) / 62)
                fail();
            if (failed_)
                return 0;
            int digit = isdigit(c) ? c - '0' : islower(c) ? c - 'a' + 10 : c - 'A' + 36;
            value = value * 62 + static_cast<uint64_t>(digit);
        }
    }

    /* A number behind `tag`; 0 without it. */
    uint64_t optional(char tag) {
        return eat(tag) ? base_62() + 1 : 0;
    }

    std::string identifier() {
        bool is_punycode = eat('u');
        size_t length = 0;
        if (!eat('0')) {
            if (at_ >= name_.size() || !isdigit(name_[at_]))
                fail();
            while (at_ < name_.size() && isdigit(name_[at_]) && length <= name_.size())
                length = length * 10 + static_cast<size_t>(next() - '0');
        }
        eat('_');
        if (length > name_.size() - at_)
            fail();
        if (failed_)
            return "";
        Text text = name_.substr(at_, length);
        at_ += length;
        if (!is_punycode)
            return std::string(text);
        std::string decoded = from_punycode(text);
        if (decoded.empty())
            fail();
        return decoded;
    }

    /* Prints what lies at an earlier place; where nothing is printed it does not matter. */
    template <typename What> void reference(What what) {
        size_t place = at_ - 1;
        uint64_t target = base_62();
        if (target >= place)
            fail();
        if (failed_ || silent_ > 0)
            return;
        size_t behind = at_;
        at_ = static_cast<size_t>(target);
        what();
        at_ = behind;
    }

    void path(bool is_value) {
        Level level(*this);
        char tag = next();
        switch (tag) {
        case 'C':
            optional('s');
            return print(identifier());
        case 'N':
            return nested_path(is_value);
        case 'M':
        case 'X':
            optional('s');
            silent_++;
            path(false);
            silent_--;
            return implementation(tag == 'X');
        case 'Y':
            return implementation(true);
        case 'I':
            path(is_value);
            print(is_value ? "::<" : "<");
            list(", ", [&] { argument(); });
            return print(">");
        case 'B':
            return reference([&] { path(is_value); });
        default:
            fail();
        }
    }

    /* Upper-case namespaces are of what has no name in the source. */
    void nested_path(bool is_value) {
        char space = next();
        if (!isalpha(static_cast<unsigned char>(space)))
            fail();
        path(is_value);
        uint64_t number = optional('s');
        std::string name = identifier();
        if (!isupper(static_cast<unsigned char>(space)))
            return name.empty() ? void() : print("::" + name);
        std::string kind = space == 'C' ? "closure" : space == 'S' ? "shim" : std::string(1, space);
        print("::{" + kind + (name.empty() ? "" : ":" + name) + "#" + std::to_string(number) + "}");
    }

    void implementation(bool of_trait) {
        print("<");
        type();
        if (of_trait) {
            print(" as ");
            path(false);
        }
        print(">");
    }

    void argument() {
        if (eat('L'))
            return lifetime(base_62());
        return eat('K') ? constant() : type();
    }

    /* 0 is one that is not named, 1 the innermost that a binder names. */
    void lifetime(uint64_t index) {
        if (index > lifetimes_)
            return fail();
        if (index == 0)
            return print("'_");
        uint64_t depth = lifetimes_ - index;
        print(depth < 26 ? std::string("'") + static_cast<char>('a' + depth)
                         : "'_" + std::to_string(depth));
    }

    /* for<'a, 'b> */
    template <typename What> void binder(What what) {
        uint64_t count = optional('G');
        if (count > MOST_BYTES)
            return fail();
        uint64_t outer = lifetimes_;
        for (uint64_t i = 0; i < count && silent_ == 0 && !failed_; i++) {
            print(i == 0 ? "for<" : ", ");
            lifetimes_++;
            lifetime(1);
        }
        if (count > 0)
            print("> ");
        lifetimes_ = outer + count;
        what();
        lifetimes_ = outer;
    }

    void type() {
        Level level(*this);
        char tag = next();
        Text basic = basic_type(tag);
        if (!basic.empty())
            return print(basic);
        switch (tag) {
        case 'R':
        case 'Q':
            print("&");
            if (uint64_t index = eat('L') ? base_62() : 0; index > 0) {
                lifetime(index);
                print(" ");
            }
            print(tag == 'Q' ? "mut " : "");
            return type();
        case 'P':
        case 'O':
            print(tag == 'P' ? "*const " : "*mut ");
            return type();
        case 'A':
        case 'S':
            print("[");
            type();
            if (tag == 'A') {
                print("; ");
                constant();
            }
            return print("]");
        case 'T':
            print("(");
            print(list(", ", [&] { type(); }) == 1 ? ",)" : ")");
            return;
        case 'F':
            return binder([&] { signature(); });
        case 'D':
            return trait_object();
        case 'B':
            return reference([&] { type(); });
        default:
            at_ -= failed_ ? 0 : 1;
            path(false);
        }
    }

    void signature() {
        print(eat('U') ? "unsafe " : "");
        if (eat('K')) {
            std::string abi = eat('C') ? "C" : identifier();
            for (char &c : abi)
                c = c == '_' ? '-' : c;
            print("extern \"" + abi + "\" ");
        }
        print("fn(");
        list(", ", [&] { type(); });
        print(")");
        if (eat('u'))
            return;
        print(" -> ");
        type();
    }

    void trait_object() {
        print("dyn ");
        binder([&] { list(" + ", [&] { trait(); }); });
        if (next() != 'L')
            return fail();
        if (uint64_t index = base_62(); index > 0) {
            print(" + ");
            lifetime(index);
        }
    }

    /* Trait<A, Name = B> */
    void trait() {
        bool is_open = open_path();
        while (eat('p')) {
            print(is_open ? ", " : "<");
            is_open = true;
            print(identifier() + " = ");
            type();
        }
        print(is_open ? ">" : "");
    }

    /* A path whose ">" is still to come; false if it has none. */
    bool open_path() {
        Level level(*this);
        bool is_open = false;
        if (eat('B')) {
            reference([&] { is_open = open_path(); });
        } else if (eat('I')) {
            path(false);
            print("<");
            list(", ", [&] { argument(); });
            is_open = true;
        } else {
            path(false);
        }
        return is_open;
    }

    void constant() {
        Level level(*this);
        char tag = next();
        if (tag == 'B')
            return reference([&] { constant(); });
        if (tag == 'p')
            return print("_");
        bool is_signed = Text("aslxni").find(tag) != Text::npos;
        bool is_number = is_signed || Text("htmyoj").find(tag) != Text::npos;
        if (!is_number && tag != 'b' && tag != 'c')
            return fail();
        print(is_signed && eat('n') ? "-" : "");
        Text digits = hexadecimal();
        uint64_t value = 0;
        for (char c : digits.substr(0, 16))
            value = value << 4 | static_cast<uint64_t>(isdigit(c) ? c - '0' : c - 'a' + 10);
        if (is_number)
            return print(digits.size() > 16 ? "0x" + std::string(digits) : std::to_string(value));
        if (digits.size() > 16 || (tag == 'b' ? value > 1 : !is_character(value)))
            return fail();
        print(tag == 'b' ? (value == 1 ? "true" : "false") : quoted(static_cast<uint32_t>(value)));
    }

    /* Digits up to "_". */
    Text hexadecimal() {
        size_t start = at_;
        for (char c = next(); c != '_' && !failed_; c = next())
            if (!isdigit(c) && !(c >= 'a' && c <= 'f'))
                fail();
        return failed_ ? Text() : name_.substr(start, at_ - start - 1);
    }

    static std::string quoted(uint32_t character) {
        constexpr Text ESCAPED = "\t\r\n'\\", NAMES = "trn'\\";
        size_t index = character < 0x80 ? ESCAPED.find(static_cast<char>(character)) : Text::npos;
        std::string text = "'";
        if (index != Text::npos) {
            text += '\\';
            text += NAMES[index];
        } else if (character < 0x20 || character == 0x7f) {
            constexpr Text DIGITS = "0123456789abcdef";
            text += "\\u{";
            if (character > 15)
                text += DIGITS[character >> 4];
            text += DIGITS[character & 15];
            text += '}';
        } else {
            append_utf8(text, character);
        }
        return text + "'";
    }

    Text name_;
    size_t at_ = 0;
    int depth_ = 0;
    /* Above 0 nothing is printed. */
    int silent_ = 0;
    uint64_t lifetimes_ = 0;
    bool failed_ = false;
    std::string printed_;
};

} // namespace

std::string rust_path(Text mangled) {
    if (mangled.substr(0, 2) != "_R")
        return "";
    Text name = mangled.substr(2, mangled.find_first_of(".$") - 2);
    for (char c : name)
        if (!isalnum(static_cast<unsigned char>(c)) && c != '_')
            return "";
    return Printer(name).print_symbol();
}
