// A parsed configuration file before anything is known about its meaning: a tree of maps, lists and
// texts, each with the place it was written at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::config {

struct Position {
  int line = 0;  // from 1; 0: nowhere
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

// One thing that is wrong. Printed as FILE:LINE:COLUMN: KEY: WHAT, without the parts that it does
// not have.
struct Problem {
  Position at;
  std::string key;  // "pools.app.workers"
  std::string what;
  bool is_outside = false;  // not in the file but, say, in the environment
};
using Problems = std::vector<Problem>;

struct Entry;

struct Node {
  enum class Type : std::uint8_t { kNull, kText, kList, kMap };
  Type type = Type::kNull;
  Position at;
  std::string text;            // kText
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in file order, repeated keys included
};

struct Entry {
  std::string key;
  Position at;  // of the key
  Node value;
};

inline constexpr std::size_t kMaxDocumentBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDocumentDepth = 16;
// In values and keys, with every alias expanded so that a few lines cannot become gigabytes. A text
// longer than kMaxShortText counts as several.
inline constexpr std::size_t kMaxDocumentSize = 40'000;
inline constexpr std::size_t kMaxShortText = 64;

// The one document in `text`, kNull if there is nothing in it. What is wrong is appended to
// `problems`; then the result may be incomplete. Never throws; time and memory are bounded by the
// limits above.
Node parse_document(std::string_view text, Problems& problems);

}  // namespace roundhouse::config
