// The members of one object in either serialisation of Node's channel. Pure.
//
// A reader tells every member of the outermost object to a NodeMembers, in order; what lies deeper
// is skipped, within bounds. It is strict: what JSON.parse or V8 would not read is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roundhouse::edge {

// How the messages of a channel are written: NODE_CHANNEL_SERIALIZATION_MODE.
enum class NodeFormat : std::uint8_t { kJson, kAdvanced };

struct NodeValue {
  enum class Type : std::uint8_t {
    kNothing,  // null and undefined
    kBool,
    kNumber,  // a whole one, exact in a double
    kText,
    kOther  // an object, an array, any other number
  };
  Type type = Type::kNothing;
  bool flag = false;
  std::int64_t number = 0;
  std::string text;      // UTF-8
  std::string_view raw;  // as it was written
};

class NodeMembers {
 public:
  virtual void member(std::string_view name, const NodeValue& value) = 0;

 protected:
  ~NodeMembers() = default;
};

inline constexpr int kNodeDepthMax = 64;  // of what is skipped

// False if `text` is not one object and nothing else.
bool read_json_members(std::string_view text, NodeMembers& members);
// The same of V8's ValueSerializer (version 15): objects, dense arrays, text, numbers, booleans,
// null, undefined; false for anything else.
bool read_v8_members(std::string_view bytes, NodeMembers& members);

}  // namespace roundhouse::edge
