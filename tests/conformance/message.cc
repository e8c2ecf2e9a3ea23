#include "conformance/message.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace roundhouse::conformance {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool is_control(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; }
bool is_name_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

void note(Message& message, std::string_view oddity) {
  if (message.oddity.empty()) message.oddity = oddity;
}

void take_field(Message& message, std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  if (name.empty() || !std::ranges::all_of(name, is_name_byte)) note(message, "an odd field name");
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  message.fields.emplace_back(name, value);
}

// Lines up to the empty one; returns the bytes behind it.
std::string_view take_fields(Message& message, std::string_view bytes) {
  while (!bytes.starts_with(kLineEnd)) {
    const std::size_t end = bytes.find(kLineEnd);
    const std::string_view line = bytes.substr(0, end);
    if (std::ranges::any_of(line, is_control)) note(message, "a control character");
    take_field(message, line);
    bytes.remove_prefix(end + kLineEnd.size());
  }
  return bytes.substr(kLineEnd.size());
}

bool never_has_a_body(int status) { return status / 100 == 1 || status == 204 || status == 304; }

// Chooses the framing, and returns the announced length.
std::size_t frame(Message& message, Reading reading) {
  const auto count = [&](std::string_view name) {
    return std::ranges::count_if(message.fields,
                                 [&](const auto& field) { return same_name(field.first, name); });
  };
  const auto lengths = count("content-length");
  const auto codings = count("transfer-encoding");
  if (lengths + codings > 1) note(message, "two framings");
  const auto hosts = count("host");
  if (reading == Reading::kRequest && (hosts > 1 || (hosts == 0 && !message.is_http10())))
    note(message, hosts > 1 ? "two Hosts" : "no Host");
  if (reading == Reading::kAnswerWithoutBody || never_has_a_body(message.status())) return 0;
  if (codings > 0) {
    if (!same_name(*message.find("transfer-encoding"), "chunked")) note(message, "an odd coding");
    message.framing = Framing::kChunked;
    return 0;
  }
  if (lengths > 0) {
    const std::string text = *message.find("content-length");
    const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (text.empty() || !digits) note(message, "an odd length");
    message.framing = Framing::kLength;
    return std::strtoull(text.c_str(), nullptr, 10);
  }
  if (reading == Reading::kAnswer) message.framing = Framing::kUntilClose;
  return 0;
}

// False: the body is not whole. `bytes` loses what was read.
bool take_chunks(Message& message, std::string_view& bytes) {
  while (true) {
    const std::size_t line = bytes.find(kLineEnd);
    if (line == bytes.npos) return false;
    const std::string text(bytes.substr(0, line));
    char* end = nullptr;
    const std::size_t size = std::strtoull(text.c_str(), &end, 16);
    if (end == text.c_str() || *end != '\0') note(message, "an odd chunk line");
    const std::string_view rest = bytes.substr(line + kLineEnd.size());
    if (size == 0) {
      if (!rest.starts_with(kLineEnd) && rest.find(kHeadEnd) == rest.npos) return false;
      const std::size_t before = message.fields.size();
      bytes = take_fields(message, rest);
      message.trailers = message.fields.size() - before;
      return true;
    }
    message.body.append(rest.substr(0, size));
    if (rest.size() < size + kLineEnd.size()) return false;
    if (rest.substr(size, kLineEnd.size()) != kLineEnd) note(message, "an odd chunk end");
    bytes = rest.substr(size + kLineEnd.size());
  }
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view name_of(Framing framing) {
  switch (framing) {
    case Framing::kNone:
      return "none";
    case Framing::kLength:
      return "length";
    case Framing::kChunked:
      return "chunked";
    case Framing::kUntilClose:
      return "until-close";
  }
  return {};
}

std::optional<std::string> Message::find(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (same_name(key, name)) return value;
  return std::nullopt;
}

bool Message::mentions(std::string_view text) const {
  return start.find(text) != start.npos || std::ranges::any_of(fields, [&](const auto& field) {
           return field.first.find(text) != std::string::npos ||
                  field.second.find(text) != std::string::npos;
         });
}

int Message::status() const {
  const bool is_answer = start.starts_with("HTTP/1.") && start.size() >= 12 && start[8] == ' ';
  return is_answer ? std::atoi(start.substr(9, 3).c_str()) : 0;
}

std::string Message::target() const {
  const std::size_t begin = start.find(' ') + 1;
  return start.substr(begin, start.rfind(' ') - begin);
}

std::size_t read_message(std::string_view bytes, Reading reading, Message& message) {
  message = {};
  const std::size_t line = bytes.find(kLineEnd);
  message.start = bytes.substr(0, line);
  if (bytes.find(kHeadEnd) == bytes.npos) return 0;
  message.has_head = true;
  if (std::ranges::any_of(message.start, is_control)) note(message, "a control character");
  std::string_view rest = take_fields(message, bytes.substr(line + kLineEnd.size()));
  const std::size_t length = frame(message, reading);
  switch (message.framing) {
    case Framing::kNone:
      message.whole = true;
      break;
    case Framing::kLength:
      message.body = rest.substr(0, length);
      message.whole = rest.size() >= length;
      rest.remove_prefix(message.body.size());
      break;
    case Framing::kChunked:
      message.whole = take_chunks(message, rest);
      break;
    case Framing::kUntilClose:
      message.body = rest;
      break;
  }
  return message.whole ? bytes.size() - rest.size() : 0;
}

}  // namespace roundhouse::conformance
