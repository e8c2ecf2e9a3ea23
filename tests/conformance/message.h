// HTTP/1.1 messages taken apart by a reader of its own making, so that our codec is not judged by
// our codec, and so that what nginx and HAProxy send can be read as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roundhouse::conformance {

enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
std::string_view name_of(Framing framing);

struct Message {
  std::string start;                                        // the first line
  std::vector<std::pair<std::string, std::string>> fields;  // those of the trailers too
  std::size_t trailers = 0;                                 // how many of them are trailers
  Framing framing = Framing::kNone;
  std::string body;    // without its framing
  std::string oddity;  // why another reader might read it in another way; empty: no reason
  bool has_head = false;
  bool whole = false;

  std::optional<std::string> find(std::string_view name) const;
  // Anywhere but in the body.
  bool mentions(std::string_view text) const;
  // The status of an answer; 0 if the first line is not that of one.
  int status() const;
  std::string method() const { return start.substr(0, start.find(' ')); }
  std::string target() const;
  bool is_http10() const { return start.ends_with(" HTTP/1.0"); }
};

enum class Reading : std::uint8_t { kRequest, kAnswer, kAnswerWithoutBody };

// The first message of `bytes`, as far as it has come. Returns its size once it is whole, else 0;
// a body that lasts until the connection ends is whole at its end alone.
std::size_t read_message(std::string_view bytes, Reading reading, Message& message);

bool same_name(std::string_view a, std::string_view b);

}  // namespace roundhouse::conformance
