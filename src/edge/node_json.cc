#include <charconv>

#include "edge/node_value.h"

namespace roundhouse::edge {
namespace {

constexpr std::int64_t kExact = std::int64_t{1}
                                << 53;  // a double holds every whole number up to it

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& text, std::uint32_t point) {
  const auto byte = [&text](std::uint32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | (point >> 6));
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3f));
    byte(0x80 | ((point >> 6) & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
}

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool read(NodeMembers& members) {
    if (!skip('{')) return false;
    if (skip('}')) return at_end();
    do {
      std::string name;
      NodeValue value;
      if (!read_text(&name) || !skip(':') || !read_value(value)) return false;
      members.member(name, value);
    } while (skip(','));
    return skip('}') && at_end();
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      ++at_;
  }
  bool skip(char wanted) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool skip_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }

  bool read_value(NodeValue& value);
  bool read_number(NodeValue& value);
  bool read_text(std::string* out);
  bool read_escape(std::string* out);
  bool read_unit(std::uint32_t& unit);
  bool skip_value(int depth);
  bool skip_members(char end, int depth);

  std::string_view text_;
  std::size_t at_ = 0;
};

bool JsonReader::read_value(NodeValue& value) {
  skip_blanks();
  if (at_ >= text_.size()) return false;
  const std::size_t begin = at_;
  bool good = true;
  switch (text_[at_]) {
    case '"':
      value.type = NodeValue::Type::kText;
      good = read_text(&value.text);
      break;
    case 't':
    case 'f':
      value.type = NodeValue::Type::kBool;
      value.flag = text_[at_] == 't';
      good = skip_word(value.flag ? "true" : "false");
      break;
    case 'n':
      good = skip_word("null");
      break;
    case '{':
    case '[':
      value.type = NodeValue::Type::kOther;
      good = skip_value(kNodeDepthMax);
      break;
    default:
      good = read_number(value);
  }
  value.raw = text_.substr(begin, at_ - begin);
  return good;
}

bool JsonReader::read_number(NodeValue& value) {
  const std::size_t begin = at_;
  if (at_ < text_.size() && text_[at_] == '-') ++at_;
  const auto digits = [this] {
    const std::size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > first;
  };
  const bool zero = at_ < text_.size() && text_[at_] == '0';
  if (zero) {
    ++at_;
  } else if (!digits()) {
    return false;
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return false;
  }
  const char* const end = text_.data() + at_;
  const auto parsed = std::from_chars(text_.data() + begin, end, value.number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end && value.number <= kExact &&
                     value.number >= -kExact;
  value.type = whole ? NodeValue::Type::kNumber : NodeValue::Type::kOther;
  return true;
}

// Without `out` it is only skipped.
bool JsonReader::read_text(std::string* out) {
  if (!skip('"')) return false;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < ' ') return false;
    if (c == '\\') {
      if (!read_escape(out)) return false;
    } else if (out != nullptr) {
      *out += c;
    }
  }
  return false;
}

bool JsonReader::read_escape(std::string* out) {
  if (at_ >= text_.size()) return false;
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = text_[at_++];
  if (c != 'u') {
    const std::size_t which = kLetters.find(c);
    if (which == kLetters.npos) return false;
    if (out != nullptr) *out += kMeanings[which];
    return true;
  }
  std::uint32_t unit = 0;
  if (!read_unit(unit)) return false;
  if (unit >= 0xd800 && unit < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
    const std::size_t before = at_;
    std::uint32_t low = 0;
    at_ += 2;
    if (!read_unit(low)) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = before;  // two that do not belong together
    }
  }
  const bool lone = unit >= 0xd800 && unit < 0xe000;
  if (out != nullptr) append_utf8(*out, lone ? 0xfffd : unit);
  return true;
}

bool JsonReader::read_unit(std::uint32_t& unit) {
  if (text_.size() - at_ < 4) return false;
  const char* const begin = text_.data() + at_;
  const auto parsed = std::from_chars(begin, begin + 4, unit, 16);
  at_ += 4;
  return parsed.ec == std::errc() && parsed.ptr == begin + 4;
}

bool JsonReader::skip_value(int depth) {
  if (depth == 0) return false;
  skip_blanks();
  if (at_ >= text_.size()) return false;
  const char c = text_[at_];
  if (c == '{' || c == '[') {
    ++at_;
    return skip_members(c == '{' ? '}' : ']', depth - 1);
  }
  if (c == '"') return read_text(nullptr);
  NodeValue ignored;
  return read_value(ignored);
}

bool JsonReader::skip_members(char end, int depth) {
  if (skip(end)) return true;
  do {
    if (end == '}' && (!read_text(nullptr) || !skip(':'))) return false;
    if (!skip_value(depth)) return false;
  } while (skip(','));
  return skip(end);
}

}  // namespace

bool read_json_members(std::string_view text, NodeMembers& members) {
  return JsonReader(text).read(members);
}

}  // namespace roundhouse::edge
