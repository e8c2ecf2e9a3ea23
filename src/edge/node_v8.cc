// V8's ValueSerializer, as much of it as Node's cluster uses. The tags are single characters; see
// v8/src/objects/value-serializer.cc for what each means.
#include <cmath>
#include <cstring>

#include "edge/node_value.h"

namespace roundhouse::edge {
namespace {

constexpr std::string_view kHeader = "\xff\x0f";  // version 15
constexpr double kExact = 9007199254740992;       // 2^53

void append_point(std::string& text, std::uint32_t point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | (point >> 6));
    text += static_cast<char>(0x80 | (point & 0x3f));
  } else {  // halves of pairs too: nobody of ours looks at such names
    text += static_cast<char>(0xe0 | (point >> 12));
    text += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (point & 0x3f));
  }
}

class V8Reader {
 public:
  explicit V8Reader(std::string_view bytes) : bytes_(bytes) {}

  bool read(NodeMembers& members) {
    if (!bytes_.starts_with(kHeader)) return false;
    at_ = kHeader.size();
    if (next_tag() != 'o') return false;
    std::uint64_t count = 0;
    while (peek_tag() != '{') {
      NodeValue name;
      NodeValue value;
      if (!read_value(name, kNodeDepthMax) || !read_value(value, kNodeDepthMax)) return false;
      if (name.type == NodeValue::Type::kText) members.member(name.text, value);
      ++count;
    }
    ++at_;
    std::uint64_t told = 0;
    return read_varint(told) && told == count && at_ == bytes_.size();
  }

 private:
  // Padding before two-byte text is skipped. NUL at the end.
  char peek_tag() {
    while (at_ < bytes_.size() && bytes_[at_] == '\0') ++at_;
    return at_ < bytes_.size() ? bytes_[at_] : '\0';
  }
  char next_tag() {
    const char tag = peek_tag();
    if (tag != '\0') ++at_;
    return tag;
  }

  bool read_varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 35 && at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }
  bool read_value(NodeValue& value, int depth);
  bool read_text(NodeValue& value, bool two_bytes);
  bool read_whole(NodeValue& value, bool is_signed);
  bool read_double(NodeValue& value);
  bool skip_object(int depth);
  bool skip_array(int depth);

  std::string_view bytes_;
  std::size_t at_ = 0;
};

bool V8Reader::read_value(NodeValue& value, int depth) {
  if (depth == 0) return false;
  const char tag = next_tag();
  const std::size_t begin = at_ - 1;
  bool good = true;
  switch (tag) {
    case '0':
    case '_':
      break;
    case 'T':
    case 'F':
      value.type = NodeValue::Type::kBool;
      value.flag = tag == 'T';
      break;
    case 'I':
    case 'U':
      good = read_whole(value, tag == 'I');
      break;
    case 'N':
      good = read_double(value);
      break;
    case '"':
    case 'c':
      good = read_text(value, tag == 'c');
      break;
    case 'o':
    case 'A':
      value.type = NodeValue::Type::kOther;
      good = tag == 'o' ? skip_object(depth - 1) : skip_array(depth - 1);
      break;
    default:  // a back-reference among others: it means nothing outside its own message
      return false;
  }
  value.raw = bytes_.substr(begin, at_ - begin);
  return good;
}

bool V8Reader::read_text(NodeValue& value, bool two_bytes) {
  std::uint64_t size = 0;
  if (!read_varint(size) || size > bytes_.size() - at_ || (two_bytes && size % 2 != 0))
    return false;
  value.type = NodeValue::Type::kText;
  for (std::uint64_t i = 0; i < size; i += two_bytes ? 2 : 1) {
    auto point = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[at_ + i]));
    if (two_bytes)
      point |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[at_ + i + 1])) << 8;
    append_point(value.text, point);
  }
  at_ += size;
  return true;
}

bool V8Reader::read_whole(NodeValue& value, bool is_signed) {
  std::uint64_t number = 0;
  if (!read_varint(number)) return false;
  const auto half = static_cast<std::int64_t>(number >> 1);
  value.type = NodeValue::Type::kNumber;
  value.number = !is_signed          ? static_cast<std::int64_t>(number)
                 : (number & 1) != 0 ? -half - 1
                                     : half;
  return true;
}

bool V8Reader::read_double(NodeValue& value) {
  double number = 0;
  if (bytes_.size() - at_ < sizeof number) return false;
  std::memcpy(&number, bytes_.data() + at_, sizeof number);  // little-endian, as this machine is
  at_ += sizeof number;
  const bool whole = std::abs(number) <= kExact && std::trunc(number) == number;
  value.type = whole ? NodeValue::Type::kNumber : NodeValue::Type::kOther;
  if (whole) value.number = static_cast<std::int64_t>(number);
  return true;
}

bool V8Reader::skip_object(int depth) {
  std::uint64_t count = 0;
  for (; peek_tag() != '{'; ++count) {
    NodeValue ignored;
    if (!read_value(ignored, depth) || !read_value(ignored, depth)) return false;
  }
  ++at_;
  std::uint64_t told = 0;
  return read_varint(told) && told == count;
}

bool V8Reader::skip_array(int depth) {
  std::uint64_t size = 0;
  if (!read_varint(size)) return false;
  for (std::uint64_t i = 0; i < size; ++i) {
    NodeValue ignored;
    if (!read_value(ignored, depth)) return false;  // ends with the bytes at the latest
  }
  std::uint64_t properties = 0;
  std::uint64_t told = 0;
  return next_tag() == '$' && read_varint(properties) && properties == 0 && read_varint(told) &&
         told == size;
}

}  // namespace

bool read_v8_members(std::string_view bytes, NodeMembers& members) {
  return V8Reader(bytes).read(members);
}

}  // namespace roundhouse::edge
